/**
 * The query options of lists and watches, checked.
 * Source: kubernetes/apimachinery pkg/apis/meta/internalversion/validation/validation.go, v0.36.
 */

import { badRequest, type FieldError, invalid } from '../../proto/api/status-error.ts';
import { forbiddenField, notSupported } from '../../proto/api/validation.ts';
import { isTrue } from './request-info.ts';

export type VersionMatch = '' | 'NotOlderThan' | 'Exact';

export interface ListQuery {
  /** Empty, "0", or a decimal number. */
  readonly resourceVersion: string;
  readonly match: VersionMatch;
  /** 0: none. */
  readonly limit: number;
  /** Empty: the first page. */
  readonly continueToken: string;
  readonly timeoutSeconds: number | undefined;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean;
}

const MATCHES: readonly VersionMatch[] = ['Exact', 'NotOlderThan'];

/** Throws BadRequest for numbers that are none, and Invalid for combinations without a meaning. */
export function listQuery(query: URLSearchParams, isWatch: boolean): ListQuery {
  const resourceVersion = query.get('resourceVersion') ?? '';
  if (!/^\d{0,15}$/.test(resourceVersion)) {
    throw badRequest(`invalid resource version "${resourceVersion}"`);
  }
  const asked = query.get('resourceVersionMatch') ?? '';
  const match = asked === '' ? '' : MATCHES.find((known) => known === asked);
  const errors: FieldError[] = [];
  if (match === undefined) {
    errors.push(notSupported('resourceVersionMatch', asked, [...MATCHES, '']));
  }
  const sendInitialEvents = query.get('sendInitialEvents');
  const continueToken = query.get('continue') ?? '';
  errors.push(
    ...(isWatch
      ? watchErrors(match ?? '', sendInitialEvents)
      : listErrors(match ?? '', { resourceVersion, continueToken, sendInitialEvents })),
  );
  if (errors.length > 0) {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  }
  return {
    resourceVersion,
    match: match ?? '',
    limit: numberIn(query, 'limit') ?? 0,
    continueToken,
    timeoutSeconds: numberIn(query, 'timeoutSeconds'),
    allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: isTrue(sendInitialEvents),
  };
}

function watchErrors(match: VersionMatch, sendInitialEvents: string | null): FieldError[] {
  if (sendInitialEvents !== null) {
    return match === 'NotOlderThan'
      ? []
      : [
          forbiddenField(
            'resourceVersionMatch',
            'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
          ),
        ];
  }
  if (match === '') return [];
  const detail = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
  return [forbiddenField('resourceVersionMatch', detail)];
}

function listErrors(
  match: VersionMatch,
  given: {
    readonly resourceVersion: string;
    readonly continueToken: string;
    readonly sendInitialEvents: string | null;
  },
): FieldError[] {
  const errors: FieldError[] = [];
  const field = 'resourceVersionMatch';
  if (given.sendInitialEvents !== null) {
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (match === '') return errors;
  if (given.resourceVersion === '') {
    const detail = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    errors.push(forbiddenField(field, detail));
  }
  if (given.continueToken !== '') {
    errors.push(
      forbiddenField(field, 'resourceVersionMatch is forbidden when continue is provided'),
    );
  }
  if (match === 'Exact' && given.resourceVersion === '0') {
    const detail = 'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"';
    errors.push(forbiddenField(field, detail));
  }
  return errors;
}

/** A number that is not negative. */
function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(`the query parameter ${name} is no number: "${text}"`);
}
