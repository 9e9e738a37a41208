type Page = { items: { path: string }[]; next_cursor?: string | null }

/** Entries that are counted, at most: ten pages of the largest size. */
export const MOST = 10_000

/** How many files, by their paths, and how many entries a list has. */
export async function counting(fetch: (cursor: string | undefined) => Promise<Page>) {
  const paths = new Set<string>()
  let versions = 0
  let cursor: string | undefined
  do {
    const page = await fetch(cursor)
    for (const { path } of page.items) paths.add(path)
    versions += page.items.length
    cursor = page.next_cursor ?? undefined
  } while (cursor && versions < MOST)
  return { files: paths.size, versions, more: cursor !== undefined }
}
