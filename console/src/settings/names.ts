import { words } from '../ui/format'

const groups: Record<string, { title: string; about?: string }> = {
  security: { title: 'Security', about: 'What connections may trust, and who decides about it.' },
  audit: { title: 'Audit log' },
  executions: { title: 'Executions' },
  smtp: { title: 'Mail', about: 'The server that alerts are sent by. An alert’s page sends a test message.' },
}

const labels: Record<string, string> = {
  'security.insecure_trust_require_admin': 'Insecure trust needs an admin',
  'security.insecure_trust_allow_production': 'Insecure trust in production',
  'security.fips_mode_enabled': 'FIPS mode',
  'security.host_key_approval_require_admin': 'Host keys are approved by admins only',
  'security.ssh_key_max_age_days': 'SSH keys are due for rotation after (days)',
  'audit.retention_days': 'Keep audit records for (days)',
  'executions.retention_days': 'Keep executions for (days)',
  'executions.idle_pull_retention_minutes': 'Keep pulls that found nothing for (minutes)',
  'smtp.host': 'Mail server',
  'smtp.port': 'Port',
  'smtp.security': 'Encryption',
  'smtp.username': 'User name',
  'smtp.password': 'Password',
  'smtp.from': 'Sender',
}

const prefixOf = (key: string) => key.split('.')[0] ?? key

/** What a setting is called; one that the console doesn't know yet, by its key. */
export const labelOf = (key: string) => labels[key] ?? words(key.slice(prefixOf(key).length + 1))

/** Settings by their prefix, in the order in which they come. */
export function grouped<T extends { key: string }>(settings: T[]) {
  const prefixes = [...new Set(settings.map(({ key }) => prefixOf(key)))]
  return prefixes.map((prefix) => ({
    prefix,
    title: groups[prefix]?.title ?? words(prefix),
    about: groups[prefix]?.about,
    settings: settings.filter(({ key }) => prefixOf(key) === prefix),
  }))
}
