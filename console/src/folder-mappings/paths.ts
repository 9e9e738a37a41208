/** What stands in a path, from its beginning: what to call it, and its own path. */
export type Crumb = { label: string; path: string }

/**
 * The folders on the way to a path. One that begins with `/` begins at the top; any other where the login ends up.
 */
export function crumbs(path: string, top: string): Crumb[] {
  const absolute = path.startsWith('/')
  const trail: Crumb[] = [{ label: absolute ? '/' : top, path: absolute ? '/' : '' }]
  let sofar = absolute ? '/' : ''
  for (const name of path.split('/').filter((name) => name && name !== '.')) {
    sofar += sofar === '' || sofar.endsWith('/') ? name : `/${name}`
    trail.push({ label: name, path: sofar })
  }
  return trail
}

/** The folder that a path lies in; none above the first one. */
export function parent(path: string): string | undefined {
  return crumbs(path, '').at(-2)?.path
}

/** A path's last name. */
export const lastName = (path: string) => crumbs(path, '').at(-1)?.label ?? path
