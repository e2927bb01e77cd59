/**
 * Parses what objects a command line names: `pods`, `pod web`, `pods a b`, `pod/a deploy/b`,
 * `pods,services`, or the category `all`.
 */

import { CliUsageError } from '../session.ts';
import type { ResourceMapper, ServedResource } from './resource-mapper.ts';

/** One resource, and the names asked for; without names: all that the selectors take. */
export interface Target {
  readonly resource: ServedResource;
  readonly names: readonly string[];
}

/** Throws {@link CliUsageError} when the words make no sense together. */
export function parseTargets(words: readonly string[], mapper: ResourceMapper): readonly Target[] {
  const [first, ...rest] = words;
  if (first === undefined) {
    throw new CliUsageError('name a resource, as in "skiff get pods"');
  }
  if (words.some((word) => word.includes('/')))
    return words.map((word) => parseSlash(word, mapper));
  const resources = first.split(',').flatMap((name) => {
    const category = mapper.byCategory(name);
    return category.length > 0 ? category : [mapper.byName(name)];
  });
  return resources.map((resource) => ({ resource, names: rest }));
}

/** Exactly one object: `pod/web`, `pod web`, or `web` where the verb is about one kind. */
export function parseOne(
  words: readonly string[],
  mapper: ResourceMapper,
  defaultResource?: string,
): { readonly resource: ServedResource; readonly name: string } {
  const [first = '', second] = words;
  if (first.includes('/')) {
    const { resource, names } = parseSlash(first, mapper);
    return { resource, name: names[0] ?? '' };
  }
  if (second === undefined && defaultResource !== undefined && first !== '') {
    return { resource: mapper.byName(defaultResource), name: first };
  }
  if (second === undefined) throw new CliUsageError('name one object, as in TYPE/NAME');
  return { resource: mapper.byName(first), name: second };
}

function parseSlash(word: string, mapper: ResourceMapper): Target {
  const [type = '', name = '', ...more] = word.split('/');
  if (type === '' || name === '' || more.length > 0) {
    throw new CliUsageError(`"${word}" is not TYPE/NAME: give all arguments as TYPE/NAME, or none`);
  }
  return { resource: mapper.byName(type), names: [name] };
}
