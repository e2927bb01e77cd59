/**
 * Paths below an object: `…/pods/web/status`, `…/pods/web/exec`. Two sorts:
 *
 * - a **part** is another way to read and write the same stored object with rules of its own
 *   (`status`, `scale`, `finalize`, `ephemeralcontainers`): GET, PUT and PATCH run on the one generic path;
 * - an **action** does something with the object (`binding`, `eviction`, `token`, `log`, `exec`).
 *
 * `status` of every kind with `status: 'separate'` is made by status-part.ts; all others are files
 * in subresources/, registered in the ApiDefinition (api-definition.ts).
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ObjectReference } from '../../proto/api/meta.ts';
import type { Resource } from '../../proto/api/resource.ts';
import type { FieldError } from '../../proto/api/status-error.ts';
import type { Answer } from '../http/answer.ts';
import type { ApiRequest } from '../http/api-request.ts';
import type { ObjectAccess } from './object-access.ts';
import type { ApiObject, StrategyContext } from './strategy.ts';

/** The kind a body has, as discovery names it. */
export interface BodyKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface PartSubresource {
  readonly type: 'part';
  readonly resource: Resource;
  readonly name: string;
  /** Default: get, update, patch. */
  readonly verbs?: readonly ('get' | 'update' | 'patch')[];
  /** Absent: the body is the object itself. For `scale`: a Scale, made from the object and put back. */
  readonly body?: BodyKind & {
    /** The body for an object. Its metadata has name, namespace, uid, resourceVersion. */
    read(object: ApiObject): ApiObject;
    /** Puts what the body says into the object (a fresh copy). */
    write(object: ApiObject, body: ApiObject): void;
    /** Problems of the body itself, named as that kind. */
    validate?(body: ApiObject): readonly FieldError[];
  };
  /** Puts back from `old` everything that this part may not change. */
  prepareForUpdate?(object: ApiObject, old: ApiObject, context: StrategyContext): void;
  validateUpdate?(object: ApiObject, old: ApiObject): readonly FieldError[];
}

/** What an action knows of its request. */
export interface ActionContext {
  readonly request: ApiRequest;
  /** The object that the path names; whether it exists is for the action to find out. */
  readonly target: ObjectReference & { readonly name: string };
  /** What follows the subresource in the path (`proxy`), with its leading slash; else empty. */
  readonly subpath: string;
  /** The decoded and defaulted body; present when the action declares `body` and the verb writes. */
  readonly body: ApiObject | undefined;
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly nowMs: number;
  readonly objects: ObjectAccess;
}

/** A request to upgrade the connection (WebSocket, SPDY), still unanswered. */
export interface UpgradeRequest {
  readonly message: IncomingMessage;
  readonly socket: Duplex;
  /** The first bytes after the request's head. */
  readonly head: Buffer;
}

export interface ActionSubresource {
  readonly type: 'action';
  readonly resource: Resource;
  readonly name: string;
  /**
   * `create` POST, `get` GET, `update` PUT, `patch` PATCH, `delete` DELETE. With `connect`, the
   * verbs that upgrades may come as.
   */
  readonly verbs: readonly ('create' | 'get' | 'update' | 'patch' | 'delete')[];
  /** The kind of body and answer, for discovery and decoding. Absent (`log`): no body is decoded. */
  readonly body?: BodyKind & {
    /** Other apiVersions of the kind that are taken as well (`policy/v1beta1`). */
    readonly alsoVersions?: readonly BodyKind[];
  };
  /** What discovery names as the kind when there is no `body`: `PodExecOptions`. */
  readonly optionsKind?: BodyKind;
  /** Paths below the subresource belong to it too (`proxy`). */
  readonly hasSubpath?: boolean;
  /** A plain request; throws `ApiError`. */
  handle(context: ActionContext): Promise<Answer>;
  /**
   * An upgrade. Throwing `ApiError` before anything was written answers with its Status; after the
   * handshake the action owns the socket and returns when it is closed.
   */
  connect?(context: ActionContext, upgrade: UpgradeRequest): Promise<void>;
}

export type Subresource = PartSubresource | ActionSubresource;
