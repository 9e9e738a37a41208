/** A name for the key that comes after this one: `Acme` → `Acme (2)` → `Acme (3)`, `Acme 2026` → `Acme 2026 (2)`. */
export function nextName(name: string, taken: string[]): string {
  const base = name.replace(/ \(\d+\)$/, '')
  for (let number = 2; ; number += 1) {
    const next = `${base} (${number})`
    if (!taken.includes(next)) return next
  }
}
