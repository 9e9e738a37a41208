import { type QueryKey, useInfiniteQuery } from '@tanstack/react-query'

type Page<T> = { items: T[]; next_cursor?: string | null }

/** A list that comes in pages, one after the other as they are asked for. */
export function usePages<T>(queryKey: QueryKey, fetch: (cursor: string | undefined) => Promise<Page<T>>) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => fetch(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<T>) => page.next_cursor ?? undefined,
  })
  return { ...query, items: query.data?.pages.flatMap((page) => page.items) ?? [] }
}

/** All pages of a list that is never very long, with as few requests as can be. */
export async function all<T>(fetch: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await fetch(cursor)
    items.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  return items
}
