/** What has to be said before a setting is changed. */
export type Risk = {
  title: string
  text: string
  /** True where it can't be taken back. */
  final?: boolean
}

type Change = { key: string; from: unknown; to: unknown; default: unknown }

/** Values that are less safe than they need to be, with what that means. */
const unsafe: Record<string, { value: unknown; text: string }> = {
  'security.insecure_trust_require_admin': {
    value: false,
    text: 'Operators may then make connections that accept any host key or certificate. Whoever is on the way to such a server can read and change everything.',
  },
  'security.insecure_trust_allow_production': {
    value: true,
    text: 'Connections may then accept any host key or certificate in production. Whoever is on the way to such a server can read and change everything.',
  },
  'security.host_key_approval_require_admin': {
    value: false,
    text: 'Operators may then decide which host key a connection trusts, also where a key has changed and an attack isn’t ruled out.',
  },
  'smtp.security': {
    value: 'none',
    text: 'Alerts are then sent in the clear, for everybody on the way to read, and without a password.',
  },
}

/** Is this less safe than it needs to be? */
export const isUnsafe = (key: string, value: unknown) => key in unsafe && unsafe[key]?.value === value

/** Is a smaller number kept for a shorter time? 0 is for ever. */
const shorter = (from: unknown, to: unknown) =>
  typeof to === 'number' && to > 0 && (typeof from !== 'number' || from === 0 || to < from)

/** What a change does that somebody may not have meant, if there is such a thing. */
export function riskOf(change: Change, others: { key: string; has_value: boolean }[]): Risk | undefined {
  const { key } = change
  // Nothing is what the default is.
  const from = change.from ?? change.default
  const to = change.to ?? change.default
  if (from === to) return undefined
  const worse = unsafe[key]
  if (worse && to === worse.value) return { title: 'This makes Courier less safe', text: worse.text }
  switch (key) {
    case 'security.fips_mode_enabled':
      return to === true
        ? {
            title: 'Connections may fail from now on',
            text: 'Connections offer approved algorithms only, from their next session on. Those to servers that take no such algorithm fail, and those that accept any host key or certificate are refused. A test of a connection tells.',
          }
        : {
            title: 'This makes Courier less safe',
            text: 'Connections may then use algorithms that aren’t approved, from their next session on.',
          }
    case 'audit.retention_days':
      return shorter(from, to)
        ? {
            title: 'Audit records will be removed',
            text: `Records older than ${to} days are removed within the hour, and nothing brings them back. Export them first if you may need them.`,
            final: true,
          }
        : undefined
    case 'executions.retention_days':
      return shorter(from, to)
        ? {
            title: 'Executions will be removed',
            text: `Executions that were over for more than ${to} days are removed within the hour, with their steps and history, and nothing brings them back.`,
            final: true,
          }
        : undefined
    case 'smtp.host':
      return others.some((other) => other.key === 'smtp.password' && other.has_value)
        ? {
            title: 'The password is for the other server',
            text: 'The password that is set is for the mail server until now. It is taken away; set the one for the new server afterwards.',
          }
        : undefined
    default:
      return key.startsWith('security.') && to !== change.default && typeof to === 'boolean'
        ? {
            title: 'This is not the default',
            text: 'The default is what is safe for most. Change it only with a reason.',
          }
        : undefined
  }
}
