/**
 * `$(NAME)` in environment values, commands and arguments. `$$` is one `$`; a name that isn't
 * known stays as it is written.
 *
 * Source: kubernetes third_party/forked/golang/expansion/expand.go, v1.36.
 */

/** Replaces every `$(NAME)` that the lookup knows. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, next: string, name: string | undefined) => {
    if (next === '$') return '$';
    return name === undefined ? whole : (lookup(name) ?? whole);
  });
}
