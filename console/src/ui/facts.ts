type Facts = Record<string, unknown>

const isFacts = (value: unknown): value is Facts => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What would only be noise on one line. */
const QUIET = /(^|_)(id|ids|sha256|mac|entry|thumbprint|modified|at|size|verified|resumed_from|local_path)$/

/** One line out of many facts: those that say most, at most `most` of them. */
export function gist(facts: Facts, most = 3): string {
  const first = [
    'error',
    'message',
    'reason',
    'remote_path',
    'path',
    'name',
    'username',
    'key',
    'host',
    'fingerprint',
    'function',
  ]
  const names = [
    ...first.filter((name) => name in facts),
    ...Object.keys(facts).filter((name) => !first.includes(name)),
  ]
  return names
    .filter((name) => !QUIET.test(name))
    .map((name) => scalar(facts[name]))
    .filter((text) => text !== '' && text !== undefined)
    .slice(0, most)
    .join(' · ')
}

function scalar(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  return undefined
}

/** A fact on a line of its own; those inside of others are `depth` steps in. `text` is missing where others follow. */
export type Line = { path: string; name: string; depth: number; text?: string }

/** All facts, one a line. What isn't there is left out. */
export function lines(facts: Facts, depth = 0, above = ''): Line[] {
  return Object.entries(facts).flatMap(([name, value]): Line[] => {
    const path = `${above}/${name}`
    if (value === null || value === undefined) return []
    if (isFacts(value)) {
      const inside = lines(value, depth + 1, path)
      return inside.length > 0 ? [{ path, name, depth }, ...inside] : []
    }
    if (Array.isArray(value) && value.some(isFacts)) {
      return [
        { path, name, depth },
        ...value.flatMap((item: unknown, index) =>
          isFacts(item)
            ? [
                { path: `${path}/${index}`, name: String(index + 1), depth: depth + 1 },
                ...lines(item, depth + 2, `${path}/${index}`),
              ]
            : [{ path: `${path}/${index}`, name: String(index + 1), depth: depth + 1, text: String(item) }],
        ),
      ]
    }
    if (Array.isArray(value)) return value.length > 0 ? [{ path, name, depth, text: value.join(', ') }] : []
    if (typeof value === 'boolean') return [{ path, name, depth, text: value ? 'yes' : 'no' }]
    return [{ path, name, depth, text: String(value) }]
  })
}
