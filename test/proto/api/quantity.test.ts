import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityError,
  quantityToBytes,
  quantityToMilli,
  subtractQuantities,
} from '../../../proto/api/quantity.ts';

describe('canonical form', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['0', '0'],
    ['0Ki', '0'],
    ['-0', '0'],
    ['100m', '100m'],
    ['0.1', '100m'],
    ['1000m', '1'],
    ['1.5', '1500m'],
    ['+2', '2'],
    ['-2.5Gi', '-2560Mi'],
    ['1024Mi', '1Gi'],
    ['1023', '1023'],
    ['512Ki', '512Ki'],
    ['0.5Ki', '512'],
    ['1.5Gi', '1536Mi'],
    ['0.0001Ki', '102400u'],
    ['1000000k', '1G'],
    ['12e6', '12e6'],
    ['12E6', '12e6'],
    ['1e-1', '100e-3'],
    ['1E', '1E'],
    ['.5', '500m'],
    ['5.', '5'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['99999999999999999999', '9223372036854775807'],
    ['1e999999999', '9223372036854775807'],
  ];
  for (const [text, canonical] of cases) {
    it(`${text} is ${canonical}`, () => assert.equal(canonicalQuantity(text), canonical));
  }
});

describe('what is not a quantity', () => {
  for (const text of ['', ' 1', '1 ', '.', 'Mi', '1.1.1', '1KI', '0x1', '1 Gi', '--1', 'one']) {
    it(JSON.stringify(text), () => {
      assert.equal(parseQuantity(text), undefined);
      assert.match(quantityError(text) ?? '', /^quantities must match the regular expression/);
    });
  }

  for (const text of ['1i', '1mi', '1+1', '1ee3', '1e', '1m3', '1Mi3']) {
    it(`${text}: the suffix`, () => {
      assert.equal(quantityError(text), "unable to parse quantity's suffix");
    });
  }
});

describe('values', () => {
  it('rounds up to whole milli and whole units', () => {
    assert.equal(quantityToMilli('1.0001'), 1001);
    assert.equal(quantityToMilli(2), 2000);
    assert.equal(quantityToMilli('250m'), 250);
    assert.equal(quantityToBytes('1m'), 1);
    assert.equal(quantityToBytes('128Mi'), 134217728);
    assert.equal(quantityToBytes('-1500m'), -2);
  });

  it('refuses to give a value for what is none', () => {
    assert.throws(() => quantityToMilli('much'), RangeError);
  });
});

describe('properties', () => {
  const format = fc.constantFrom(
    'binarySI' as const,
    'decimalSI' as const,
    'decimalExponent' as const,
  );
  const nano = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 90n });
  const quantity = fc.record({ nano, format });

  it('parses what it prints, and prints that the same way', () => {
    fc.assert(
      fc.property(quantity, (value) => {
        const text = formatQuantity(value);
        const parsed = parseQuantity(text);
        assert.equal(parsed?.nano, value.nano);
        assert.equal(canonicalQuantity(text), text);
      }),
    );
  });

  it('adds and subtracts exactly, and compares as the amounts do', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        assert.equal(addQuantities(a, b).nano, a.nano + b.nano);
        assert.equal(compareQuantities(subtractQuantities(addQuantities(a, b), b), a), 0);
        assert.equal(
          Math.sign(compareQuantities(a, b)),
          a.nano === b.nano ? 0 : a.nano < b.nano ? -1 : 1,
        );
      }),
    );
  });
});
