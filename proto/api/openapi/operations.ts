/**
 * The paths of a resource and the operations on them, in a form that both dialects of OpenAPI are made
 * from. Clients read from them which verbs take which query parameters.
 */

import { groupVersionPath, type ServedKind, type ServedResourceFacts } from './served.ts';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}

export interface Operation {
  readonly method: Method;
  /** `list`, `patch`: the extension `x-kubernetes-action`. */
  readonly action: string;
  readonly id: string;
  readonly kind: ServedKind;
  /** What the operation answers with; for a list, the list kind. */
  readonly answers: ServedKind;
  readonly takesBody: boolean;
  readonly parameters: readonly Parameter[];
}

export interface PathOperations {
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly operations: readonly Operation[];
}

const NAME = pathParameter('name', 'The name of the object.');
const NAMESPACE = pathParameter('namespace', 'The namespace of the object.');

const WRITE: readonly Parameter[] = [
  query('dryRun', 'string', '"All": go through all stages of the request, and store nothing.'),
  query('fieldManager', 'string', 'The name under which the fields that change are tracked.'),
  query(
    'fieldValidation',
    'string',
    'What to do about unknown and duplicate fields: Ignore, Warn (the default) or Strict.',
  ),
];
const FORCE = query('force', 'boolean', 'Take over fields that other appliers own.');
const LIST: readonly Parameter[] = [
  query('labelSelector', 'string', 'Only objects whose labels match.'),
  query('fieldSelector', 'string', 'Only objects whose fields match.'),
  query('limit', 'integer', 'At most so many objects; the answer says how to go on.'),
  query('continue', 'string', 'Where a list with a limit goes on.'),
  query('resourceVersion', 'string', 'The version of the list, or the one to watch from.'),
  query('resourceVersionMatch', 'string', 'How the resourceVersion counts.'),
  query('timeoutSeconds', 'integer', 'How long the request may take, or the watch may last.'),
  query('watch', 'boolean', 'Answer with the changes to come instead of a list.'),
  query('allowWatchBookmarks', 'boolean', 'Send events that only tell the resourceVersion.'),
  query('sendInitialEvents', 'boolean', 'Begin a watch with the objects there are.'),
];
const DELETE: readonly Parameter[] = [
  query('dryRun', 'string', '"All": go through all stages of the request, and delete nothing.'),
  query('gracePeriodSeconds', 'integer', 'Seconds before the object is removed by force.'),
  query('propagationPolicy', 'string', 'Orphan, Background or Foreground.'),
];

/** All paths of a resource, with those of its subresources. */
export function pathsOf(resource: ServedResourceFacts): readonly PathOperations[] {
  const { group, version, plural, namespaced } = resource;
  const root = `/${groupVersionPath(group, version)}`;
  const collection = `${root}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  const scope = namespaced ? [NAMESPACE] : [];
  const paths: PathOperations[] = [
    { path: collection, parameters: scope, operations: collectionOperations(resource) },
    {
      path: `${collection}/{name}`,
      parameters: [NAME, ...scope],
      operations: objectOperations(resource),
    },
    ...resource.subresources.map((subresource) => ({
      path: `${collection}/{name}/${subresource.name}`,
      parameters: [NAME, ...scope],
      operations: operationsFor(
        subresource.verbs,
        subresource.kind,
        idOf(resource, `${resource.kind}${capital(subresource.name)}`),
      ),
    })),
  ];
  if (namespaced && resource.verbs.includes('list')) {
    const operations = collectionOperations({ ...resource, verbs: ['list'] }, 'ForAllNamespaces');
    paths.push({ path: `${root}/${plural}`, parameters: [], operations });
  }
  return paths.filter(({ operations }) => operations.length > 0);
}

function collectionOperations(resource: ServedResourceFacts, suffix = ''): readonly Operation[] {
  const { verbs, listKind = resource.kind } = resource;
  const own = kindOnly(resource);
  const list = { ...own, kind: listKind };
  const id = idOf(resource, resource.kind);
  const operations: Operation[] = [];
  if (verbs.includes('list')) {
    operations.push({
      ...operation('get', 'list', `${id('list')}${suffix}`, own),
      answers: list,
      parameters: LIST,
    });
  }
  if (verbs.includes('create')) operations.push(createOperation(id('create'), own));
  if (verbs.includes('deletecollection')) {
    operations.push({
      ...operation('delete', 'deletecollection', id('deleteCollection'), own),
      parameters: [...LIST, ...DELETE],
    });
  }
  return operations;
}

function objectOperations(resource: ServedResourceFacts): readonly Operation[] {
  const verbs = resource.verbs.filter((verb) => verb !== 'create');
  return operationsFor(verbs, kindOnly(resource), idOf(resource, resource.kind));
}

function operationsFor(
  verbs: readonly string[],
  kind: ServedKind,
  id: (verb: string) => string,
): readonly Operation[] {
  const operations: Operation[] = [];
  if (verbs.includes('get')) operations.push(operation('get', 'get', id('read'), kind));
  if (verbs.includes('create')) operations.push(createOperation(id('create'), kind));
  if (verbs.includes('update')) {
    const put = operation('put', 'put', id('replace'), kind);
    operations.push({ ...put, takesBody: true, parameters: WRITE });
  }
  if (verbs.includes('patch')) {
    const patch = operation('patch', 'patch', id('patch'), kind);
    operations.push({ ...patch, takesBody: true, parameters: [...WRITE, FORCE] });
  }
  if (verbs.includes('delete')) {
    const remove = operation('delete', 'delete', id('delete'), kind);
    operations.push({ ...remove, parameters: DELETE });
  }
  return operations;
}

function createOperation(id: string, kind: ServedKind): Operation {
  return { ...operation('post', 'post', id, kind), takesBody: true, parameters: WRITE };
}

function operation(method: Method, action: string, id: string, kind: ServedKind): Operation {
  return { method, action, id, kind, answers: kind, takesBody: false, parameters: [] };
}

/** `readAppsV1NamespacedDeployment` */
function idOf(resource: ServedResourceFacts, what: string): (verb: string) => string {
  const group = resource.group === '' ? 'core' : (resource.group.split('.')[0] ?? '');
  const scope = resource.namespaced ? 'Namespaced' : '';
  return (verb) => `${verb}${capital(group)}${capital(resource.version)}${scope}${what}`;
}

function kindOnly({ group, version, kind }: ServedKind): ServedKind {
  return { group, version, kind };
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function query(name: string, type: Parameter['type'], description: string): Parameter {
  return { name, in: 'query', type, description };
}

function pathParameter(name: string, description: string): Parameter {
  return { name, in: 'path', type: 'string', description };
}
