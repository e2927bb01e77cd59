/**
 * Secrets. `stringData` is for writing only: it is merged into `data`, which holds base64.
 * Source: kubernetes pkg/registry/core/secret/strategy.go, v1.36.
 */

import { secrets } from '../../../proto/api/gen/resources.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { validateSecret, validateSecretUpdate } from './validation/config-data.ts';

const TOKEN_TYPE = 'kubernetes.io/service-account-token';
const NO_TOKEN = `type ${TOKEN_TYPE}: no token is put into such secrets; ask for one with the account's token subresource`;

export const secretStrategy = defineStrategy({
  resource: secrets,
  status: 'none',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  setDefaults(secret) {
    const { stringData } = secret;
    if (stringData !== undefined) {
      const entries = Object.entries(stringData).map(([key, text]) => [key, toBase64(text)]);
      secret.data = { ...secret.data, ...Object.fromEntries(entries) };
      delete secret.stringData;
    }
    secret.type ||= 'Opaque';
  },
  validate: validateSecret,
  warnings: ({ type }) => (type === TOKEN_TYPE ? [NO_TOKEN] : []),
  validateUpdate: validateSecretUpdate,

  columns: [
    NAME_COLUMN,
    column('Type', 'What the secret is for.'),
    column('Data', 'How many keys there are.', 'integer'),
    AGE_COLUMN,
  ],
  cells(secret, nowMs) {
    const { metadata, type = '', data = {} } = secret;
    return [metadata.name, type, Object.keys(data).length, ageOf(secret, nowMs)];
  },
  selectableFields: (secret) => ({ type: secret.type ?? '' }),
});

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
