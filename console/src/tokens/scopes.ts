/** The parts of the API that a token can be held to: the groups of its document. */
export const parts = [
  { part: 'overview', label: 'Overview' },
  { part: 'connections', label: 'Connections' },
  { part: 'folder-mappings', label: 'Folder mappings' },
  { part: 'jobs', label: 'Jobs' },
  { part: 'executions', label: 'Executions' },
  { part: 'ssh-keys', label: 'SSH keys' },
  { part: 'storages', label: 'Destinations' },
  { part: 'alerts', label: 'Alerts' },
  { part: 'audit', label: 'Audit log' },
  { part: 'users', label: 'Users' },
  { part: 'tokens', label: 'API tokens' },
  { part: 'settings', label: 'Settings' },
  { part: 'auth', label: 'Own password and sessions' },
] as const

/** How much of a part: nothing, what only reads, or all that the role may. */
export type Extent = 'none' | 'read' | 'all'

/** What is chosen for the parts, as the API takes it. */
export const toScopes = (extents: Record<string, Extent>): string[] =>
  parts.flatMap(({ part }) => {
    const extent = extents[part] ?? 'none'
    if (extent === 'none') return []
    return [extent === 'read' ? `${part}:read` : part]
  })

/** A scope in words: `executions:read` → `Executions (read)`. */
export function scopeWords(scope: string): string {
  const [part, read] = scope.split(':')
  const label = parts.find((one) => one.part === part)?.label ?? scope
  return read ? `${label} (read)` : label
}

/** Parts by which an admin's token is as good as everything: it could make another admin, or change what holds for all. */
export const powerful = (scopes: string[]) => scopes.some((scope) => scope === 'users' || scope === 'settings')
