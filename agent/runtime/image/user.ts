/**
 * Who a container's process runs as: from the CRI's request, the image's USER, and the image's own
 * passwd and group files, which are hostile. Pure.
 *
 * Source: OCI image-spec config.md (User), passwd(5), group(5).
 */

import type { ContainerUser } from '../store/container-record.ts';

export interface UserRequest {
  readonly runAsUser: bigint | undefined;
  readonly runAsGroup: bigint | undefined;
  readonly runAsUsername: string;
  readonly supplementalGroups: readonly bigint[];
  /** Merge: the image's groups of the user are added. */
  readonly policy: 'Merge' | 'Strict';
  /** USER of the image. */
  readonly imageUser: string;
}

export type ResolvedUser =
  | { readonly kind: 'user'; readonly user: ContainerUser; readonly home: string }
  | { readonly kind: 'invalid'; readonly message: string };

/** Larger ids would wrap around to others, root among them (CVE-2024-40635). */
const ID_MAX = 2 ** 31 - 1;

interface PasswdLine {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupLine {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export function resolveUser(request: UserRequest, passwd: string, group: string): ResolvedUser {
  if (
    request.runAsGroup !== undefined &&
    request.runAsUser === undefined &&
    request.runAsUsername === ''
  ) {
    return invalid('run_as_group needs run_as_user or run_as_username');
  }
  const [userText = '', groupText] = requestedUser(request).split(':');
  const users = passwd.split('\n').flatMap(parsePasswdLine);
  const groups = group.split('\n').flatMap(parseGroupLine);
  const isNumber = /^[0-9]+$/.test(userText);
  const uid = isNumber ? toId(BigInt(userText)) : undefined;
  if (isNumber && uid === undefined)
    return invalid(`user ${userText} is not between 0 and ${ID_MAX}`);
  const known = users.find((user) => (isNumber ? user.uid === uid : user.name === userText));
  if (known === undefined && uid === undefined) {
    return invalid(`unable to find user ${JSON.stringify(userText)} in the image's /etc/passwd`);
  }
  const gid = primaryGroup(request, groupText, groups, known);
  if (typeof gid === 'string') return invalid(gid);
  const given: number[] = [];
  for (const id of request.supplementalGroups) {
    const checked = toId(id);
    if (checked === undefined)
      return invalid(`supplemental group ${id} is not between 0 and ${ID_MAX}`);
    given.push(checked);
  }
  const isMember = (line: GroupLine): boolean =>
    known !== undefined && line.members.includes(known.name);
  const isMerged = request.policy === 'Merge';
  const fromImage = isMerged ? groups.filter(isMember).map((line) => line.gid) : [];
  const supplementalGroups = [...new Set([gid, ...given, ...fromImage])];
  const user = { uid: uid ?? known?.uid ?? 0, gid, supplementalGroups };
  return { kind: 'user', user, home: known?.home ?? '/' };
}

function requestedUser(request: UserRequest): string {
  if (request.runAsUser !== undefined) return String(request.runAsUser);
  if (request.runAsUsername !== '') return request.runAsUsername;
  return request.imageUser === '' ? '0' : request.imageUser;
}

/** A group id, or what is wrong. */
function primaryGroup(
  request: UserRequest,
  text: string | undefined,
  groups: readonly GroupLine[],
  known: PasswdLine | undefined,
): number | string {
  if (request.runAsGroup !== undefined) {
    return toId(request.runAsGroup) ?? `group ${request.runAsGroup} is not between 0 and ${ID_MAX}`;
  }
  if (text === undefined || text === '') return known?.gid ?? 0;
  if (/^[0-9]+$/.test(text)) {
    return toId(BigInt(text)) ?? `group ${text} is not between 0 and ${ID_MAX}`;
  }
  const line = groups.find((other) => other.name === text);
  return line?.gid ?? `unable to find group ${JSON.stringify(text)} in the image's /etc/group`;
}

function parsePasswdLine(line: string): readonly PasswdLine[] {
  const [name = '', , uidText = '', gidText = '', , home = ''] = line.split(':');
  const uid = parseId(uidText);
  const gid = parseId(gidText);
  if (name === '' || uid === undefined || gid === undefined) return [];
  return [{ name, uid, gid, home: home.startsWith('/') ? home : '/' }];
}

function parseGroupLine(line: string): readonly GroupLine[] {
  const [name = '', , gidText = '', members = ''] = line.split(':');
  const gid = parseId(gidText);
  return name === '' || gid === undefined ? [] : [{ name, gid, members: members.split(',') }];
}

function parseId(text: string): number | undefined {
  return /^[0-9]{1,10}$/.test(text) ? toId(BigInt(text)) : undefined;
}

function toId(value: bigint): number | undefined {
  return value >= 0n && value <= BigInt(ID_MAX) ? Number(value) : undefined;
}

function invalid(message: string): ResolvedUser {
  return { kind: 'invalid', message };
}
