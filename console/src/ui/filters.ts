import { useSearchParams } from 'react-router'

/** Filters live in the address, so that a filtered list can be bookmarked and sent to somebody. */
export function useFilters<Name extends string>(...names: Name[]) {
  const [params, setParams] = useSearchParams()
  const values = Object.fromEntries(names.map((name) => [name, params.get(name) ?? undefined])) as Record<
    Name,
    string | undefined
  >
  const set = (changes: Partial<Record<Name, string | null | undefined>>) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(name, value as string)
          else next.delete(name)
        }
        return next
      },
      { replace: true },
    )
  return { values, set, any: names.some((name) => params.has(name)) }
}
