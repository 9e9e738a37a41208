type Grouped<T> = { name: string | null; members: T[] }

/** By group, in the order of their names; what is in none comes last. */
export function grouped<T extends { group?: string | null }>(all: T[]): Grouped<T>[] {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const name = one.group ?? ''
    const members = groups.get(name)
    if (members) members.push(one)
    else groups.set(name, [one])
  }
  return [...groups]
    .sort(([one], [other]) => (one === '' ? 1 : other === '' ? -1 : one.localeCompare(other)))
    .map(([name, members]) => ({ name: name || null, members }))
}
