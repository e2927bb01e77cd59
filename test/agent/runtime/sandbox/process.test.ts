/** Commands, capabilities and signals of a container. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { capabilitiesOf } from '../../../../agent/runtime/sandbox/capabilities.ts';
import { commandLine } from '../../../../agent/runtime/sandbox/process.ts';
import { signalNumber, stopSignalName } from '../../../../agent/runtime/sandbox/signals.ts';

describe('the command of a container', () => {
  const image = { entrypoint: ['/entry'], cmd: ['a', 'b'] };

  it('is the image’s when nothing is asked for', () => {
    assert.deepEqual(commandLine({ command: [], args: [] }, image), ['/entry', 'a', 'b']);
  });

  it('has its arguments replaced by args', () => {
    assert.deepEqual(commandLine({ command: [], args: ['c'] }, image), ['/entry', 'c']);
  });

  it('drops the image’s arguments when a command is given', () => {
    assert.deepEqual(commandLine({ command: ['sh'], args: [] }, image), ['sh']);
    assert.deepEqual(commandLine({ command: ['sh'], args: ['-c'] }, image), ['sh', '-c']);
  });

  it('must not be empty', () => {
    const none = { entrypoint: [], cmd: [] };
    assert.throws(() => commandLine({ command: [], args: [] }, none), /no command specified/);
  });
});

describe('the capabilities of a container', () => {
  const none = { isPrivileged: false, add: [], drop: [] };

  it('are a few by default', () => {
    const names = capabilitiesOf(none);
    assert.equal(names.length, 14);
    assert.ok(!names.includes('CAP_SYS_ADMIN'));
  });

  it('are only what is added after ALL is dropped', () => {
    const names = capabilitiesOf({ ...none, add: ['net_bind_service'], drop: ['ALL'] });
    assert.deepEqual(names, ['CAP_NET_BIND_SERVICE']);
  });

  it('are all but those dropped after ALL is added', () => {
    const names = capabilitiesOf({ ...none, add: ['ALL'], drop: ['CAP_SYS_ADMIN'] });
    assert.ok(names.includes('CAP_SYS_TIME') && !names.includes('CAP_SYS_ADMIN'));
  });

  it('are all for a privileged container, whatever is dropped', () => {
    assert.equal(capabilitiesOf({ isPrivileged: true, add: [], drop: ['ALL'] }).length, 41);
  });

  it('are refused by name when unknown', () => {
    assert.throws(() => capabilitiesOf({ ...none, add: ['FLY'] }), /"FLY"/);
  });
});

describe('the stop signal', () => {
  it('is the request’s, else the image’s, else SIGTERM', () => {
    assert.equal(stopSignalName('SIGNAL_SIGUSR1', 'SIGQUIT'), 'SIGUSR1');
    assert.equal(stopSignalName('SIGNAL_RUNTIME_DEFAULT', 'SIGQUIT'), 'SIGQUIT');
    assert.equal(stopSignalName('SIGNAL_RUNTIME_DEFAULT', ''), 'SIGTERM');
    assert.equal(stopSignalName('SIGNAL_RUNTIME_DEFAULT', 'SIGNONSENSE'), 'SIGTERM');
  });

  it('has the kernel’s number, not the CRI’s', () => {
    assert.equal(signalNumber('SIGTERM'), 15);
    assert.equal(signalNumber('term'), 15);
    assert.equal(signalNumber('9'), 9);
    assert.equal(signalNumber('SIGRTMIN+3'), 37);
    assert.equal(signalNumber('SIGRTMAXMINUS1'), 63);
    assert.equal(signalNumber('SIGRTMIN'), 34);
    for (const name of ['', '0', '65', 'SIGRTMIN+40', 'toString', 'SIGWHAT']) {
      assert.equal(signalNumber(name), undefined, name);
    }
  });
});
