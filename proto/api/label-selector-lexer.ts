/**
 * Splits the text of a label selector into words and symbols. `in` and `notin` are words: they may
 * also be keys or values, and only their place tells.
 *
 * Source: kubernetes/apimachinery pkg/labels/selector.go, v0.36.
 */

export interface SelectorToken {
  readonly kind: 'word' | 'symbol' | 'end';
  readonly text: string;
}

const TOKEN = /\s*(?:(!=|==|[=!(),<>])|([^\s=!(),<>]+))/y;

/** The last token is `end`. */
export function lexSelector(text: string): readonly SelectorToken[] {
  const tokens: SelectorToken[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const match = TOKEN.exec(text);
    if (match === null) break;
    const [, symbol, word = ''] = match;
    tokens.push(
      symbol === undefined ? { kind: 'word', text: word } : { kind: 'symbol', text: symbol },
    );
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}
