/** The command line of `skiff image`: arguments in. What they do is in image.ts. */

import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { ANONYMOUS, type Credentials } from '../../agent/runtime/image/registry/credentials.ts';
import { systemClock } from '../../base/clock.ts';
import type { LabSpec } from '../cluster/lab-spec.ts';
import { UsageError } from './usage-error.ts';

interface NameFlag {
  readonly name: string;
}

interface PullFlags extends NameFlag {
  readonly username?: string;
  readonly passwordStdin: boolean;
  readonly plainHttp: boolean;
}

interface SaveFlags extends NameFlag {
  readonly output: string;
  readonly format: 'oci' | 'docker';
}

/** `specOf` gives the lab of a name, or throws when it is not up. */
export function addImageCommands(
  program: Command,
  name: Option,
  specOf: (lab: string) => LabSpec,
): void {
  const image = program.command('image').description('the images of a lab, on all its nodes');
  image
    .command('pull <image>')
    .description('pull an image from its registry, as the host reaches it')
    .addOption(name)
    .option('--username <user>', 'log in to the registry')
    .option('--password-stdin', 'read the password from standard input', false)
    .option('--plain-http', 'use HTTP for this registry', false)
    .action(async (reference: string, flags: PullFlags) => {
      const { pullToLab } = await import('./image.ts');
      const { PullDisplay } = await import('./pull-display.ts');
      const display = new PullDisplay({
        write: print,
        isTerminal: process.stdout.isTTY,
        nowMs: () => systemClock.monotonicMs(),
      });
      const credentials = credentialsOf(flags);
      await untilInterrupted((signal) =>
        pullToLab(
          specOf(flags.name),
          reference,
          { credentials, isPlainHttp: flags.plainHttp, signal },
          display,
        ),
      );
    });
  image
    .command('load <file>')
    .description('load an OCI or docker archive, or a folder in OCI layout (- for standard input)')
    .addOption(name)
    .option('--as <image>', 'a name for an image to which the archive gives none')
    .action(async (file: string, flags: NameFlag & { readonly as?: string }) => {
      const { loadImage } = await import('./image.ts');
      const as = flags.as === undefined ? {} : { name: flags.as };
      await untilInterrupted((signal) =>
        loadImage(specOf(flags.name), file, { signal, ...as }, print),
      );
    });
  image
    .command('save <image...>')
    .description('write images as one archive: an OCI layout, or what docker load reads')
    .addOption(name)
    .requiredOption('-o, --output <file>', 'where to (- for standard output)')
    .addOption(new Option('--format <form>', 'of the archive').choices(FORMATS).default('oci'))
    .action(async (images: readonly string[], flags: SaveFlags) => {
      const { saveImages } = await import('./image.ts');
      await untilInterrupted((signal) =>
        saveImages(specOf(flags.name), images, { form: flags.format, to: flags.output, signal }),
      );
    });
  image
    .command('ls')
    .description('list the images')
    .addOption(name)
    .action(async (flags: NameFlag) => {
      const { listImages } = await import('./image.ts');
      listImages(specOf(flags.name), print);
    });
  image
    .command('rm <image>')
    .description('remove an image and all its names')
    .addOption(name)
    .action(async (target: string, flags: NameFlag) => {
      const { removeImage } = await import('./image.ts');
      removeImage(specOf(flags.name), target, print);
    });
}

const FORMATS = ['oci', 'docker'];

/** What was brought so far stays, for the next time. */
async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** A password on the command line would be seen by everybody on the machine. */
function credentialsOf({ username, passwordStdin }: PullFlags): Credentials {
  if (username === undefined && !passwordStdin) return ANONYMOUS;
  if (username === undefined || !passwordStdin) {
    throw new UsageError('--username and --password-stdin belong together');
  }
  const password = readFileSync(0, 'utf8').replace(/\r?\n$/, '');
  return { kind: 'password', username, password };
}

function print(text: string): void {
  process.stdout.write(text);
}
