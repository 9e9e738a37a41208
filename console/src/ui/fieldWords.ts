import { words } from './format'

const lists: Record<string, string> = { steps: 'Step', schedules: 'Schedule' }

/** A field that the server names, as people would: `steps[1].config.remote_path` → `Step 2, remote path`. */
export function fieldWords(field: string): string {
  const parts = field.split('.').filter((part, at) => part !== 'config' || at === 0)
  const said = parts.map((part) => {
    const [, name, index] = /^(\w+)\[(\d+)\]$/.exec(part) ?? []
    if (name === undefined) return words(part)
    return `${lists[name] ?? words(name)} ${Number(index) + 1}`
  })
  return said
    .map((part, at) => (at > 0 && /^[A-Z][a-z]/.test(part) ? part.charAt(0).toLowerCase() + part.slice(1) : part))
    .join(', ')
}
