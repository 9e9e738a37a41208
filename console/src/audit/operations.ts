import { words } from '../ui/format'

/** What the audit log tells of, by what it is about. */
const groups: [string, string[]][] = [
  ['Sessions', ['connected', 'disconnected', 'auth_success', 'auth_failed', 'test_connection', 'fips_override_used']],
  [
    'Host keys',
    ['host_key_pinned', 'host_key_rejected', 'host_key_approved', 'host_key_removed', 'insecure_host_key_policy_used'],
  ],
  ['Certificates', ['certificate_rejected', 'insecure_tls_policy_used']],
  ['Files', ['upload', 'download', 'rename', 'delete', 'mkdir', 'rmdir', 'file_pulled', 'file_replayed']],
  ['Functions', ['function_triggered', 'function_completed']],
  ['Connections', ['connection_created', 'connection_changed', 'connection_deleted', 'key_added', 'key_revoked']],
  [
    'Folder mappings',
    ['folder_mapping_created', 'folder_mapping_changed', 'folder_mapping_deleted', 'folder_mapping_run'],
  ],
  ['SSH keys', ['key_generated', 'key_imported', 'key_changed', 'key_retired', 'key_activated', 'key_deleted']],
  [
    'Jobs',
    [
      'job_created',
      'job_changed',
      'job_deleted',
      'job_run',
      'schedule_skipped',
      'execution_paused',
      'execution_resumed',
      'execution_cancelled',
    ],
  ],
  ['Destinations', ['storage_created', 'storage_changed', 'storage_deleted', 'storage_tested']],
  ['Alerts', ['alert_created', 'alert_changed', 'alert_deleted', 'alert_tested']],
  [
    'People',
    [
      'login',
      'login_failed',
      'logout',
      'password_changed',
      'password_change_failed',
      'user_created',
      'user_changed',
      'user_deleted',
      'token_created',
      'token_revoked',
      'setting_changed',
    ],
  ],
  ['Server', ['insecure_listener', 'backup_made', 'restored', 'vault_rewrapped', 'secret_bound']],
  ['The log itself', ['audit_sealed', 'audit_trimmed']],
]

const known = new Set(groups.flatMap(([, operations]) => operations))

/** What a connection’s own entries are about. */
const ofConnections = new Set([
  'Sessions',
  'Host keys',
  'Certificates',
  'Files',
  'Functions',
  'Connections',
  'Folder mappings',
])

/** For a picker; `also` is one that the address names and that we don't know. */
export function operationChoices(connection: boolean, also: string | undefined) {
  const shown = connection ? groups.filter(([group]) => ofConnections.has(group)) : groups
  const choices = shown.map(([group, operations]) => ({
    group,
    items: operations.map((value) => ({ value, label: words(value) })),
  }))
  const missing = also && !(connection ? shown.some(([, names]) => names.includes(also)) : known.has(also))
  return missing ? [...choices, { group: 'Others', items: [{ value: also, label: words(also) }] }] : choices
}

/** How loud it is: what went wrong, what weakens, all others. */
export function operationColor(operation: string): string {
  if (/_(failed|rejected)$/.test(operation)) return 'red'
  if (/^insecure_|_override_used$|^schedule_skipped$|^audit_trimmed$/.test(operation)) return 'orange'
  return 'gray'
}
