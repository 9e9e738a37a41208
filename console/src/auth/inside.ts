/** Where to go after the login: a page of the console, and never another site. */
export function inside(next: string | null, here = window.location.origin): string {
  if (!next || !URL.canParse(next, here)) return '/'
  // As browsers read it: they take backslashes for slashes, and leave out tabs and ends of lines.
  const { origin, pathname, search } = new URL(next, here)
  return origin === here && !pathname.startsWith('//') ? pathname + search : '/'
}
