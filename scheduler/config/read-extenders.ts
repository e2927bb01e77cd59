/** Reads and checks `extenders`. Source: upstream apis/config/validation/validation.go, v1.36. */

import type { ExtenderConfiguration } from './configuration.ts';
import type { FieldReader } from './field-reader.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
/** What can't be an extended resource: names without a prefix, and Kubernetes' own. */
const NATIVE = /^(?:[^/]*|(?:.*\.)?kubernetes\.io\/.*|requests\..*)$/;

export function readExtenders(reader: FieldReader): readonly ExtenderConfiguration[] {
  const extenders = reader.objects('extenders').map(readExtender);
  const binders = extenders.filter(({ bindVerb }) => bindVerb !== '').length;
  if (binders > 1) {
    const what = `found ${binders} extenders implementing bind`;
    reader.invalid('extenders', what, 'only one extender can implement bind');
  }
  const seen = new Set<string>();
  for (const [index, { managedResources }] of extenders.entries()) {
    for (const [which, { name }] of managedResources.entries()) {
      const path = `extenders[${index}].managedResources[${which}].name`;
      if (NATIVE.test(name)) reader.invalid(path, name, 'is an invalid extended resource name');
      if (seen.has(name)) reader.invalid(path, name, 'duplicate extender managed resource name');
      seen.add(name);
    }
  }
  return extenders;
}

function readExtender(extender: FieldReader): ExtenderConfiguration {
  const read = {
    urlPrefix: extender.string('urlPrefix') ?? '',
    filterVerb: extender.string('filterVerb') ?? '',
    prioritizeVerb: extender.string('prioritizeVerb') ?? '',
    bindVerb: extender.string('bindVerb') ?? '',
    preemptVerb: extender.string('preemptVerb') ?? '',
    weight: extender.integer('weight') ?? 0,
    httpTimeoutMs: timeoutOf(extender),
    nodeCacheCapable: extender.boolean('nodeCacheCapable') ?? false,
    ignorable: extender.boolean('ignorable') ?? false,
    managedResources: extender.objects('managedResources').map((resource) => {
      const managed = {
        name: resource.string('name') ?? '',
        ignoredByScheduler: resource.boolean('ignoredByScheduler') ?? false,
      };
      resource.end();
      return managed;
    }),
  };
  if (!URL.canParse(read.urlPrefix) || !/^http:/.test(read.urlPrefix)) {
    extender.invalid('urlPrefix', read.urlPrefix, 'must be an http:// URL; TLS is not supported');
  }
  for (const name of extender.accept('enableHTTPS', 'tlsConfig')) {
    if (extender.raw(name) === false) continue;
    extender.invalid(name, extender.raw(name), 'TLS to extenders is not supported');
  }
  if (read.prioritizeVerb !== '' && read.weight <= 0) {
    extender.invalid('weight', read.weight, 'must have a positive weight applied to it');
  }
  extender.end();
  return read;
}

function timeoutOf(extender: FieldReader): number {
  const text = extender.string('httpTimeout');
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  extender.invalid('httpTimeout', text, 'must be a duration such as 5s');
  return DEFAULT_TIMEOUT_MS;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go writes it (`1m30s`), in whole milliseconds; undefined when it isn't one. */
function durationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)([a-zµ]+)/g)) {
    ms += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return Math.ceil(ms);
}
