import { words } from '../ui/format'

const fields: Record<string, string> = {
  host: 'Host',
  base_path: 'Base folder',
  username: 'User name',
  auth_method: 'Log in by',
  ssh_key_ids: 'SSH keys',
  client_secret: 'Client secret',
  client_certificate: 'Client certificate',
  host_key_policy: 'Host key policy',
  stored_host_fingerprint: 'Fingerprint of the host key',
  ssh_algorithms: 'SSH algorithms',
  ftps_mode: 'When TLS begins',
  tls_version_floor: 'Oldest TLS version',
  tls_cert_policy: 'Certificate policy',
  tls_pinned_thumbprint: 'Thumbprint of the certificate',
  tls_crl_pem: 'Revoked certificates',
  passive_mode: 'Passive mode',
  server_timezone: 'Time zone of the server',
  encoding: 'Encoding of file names',
  quirks: 'Ways around faults of the server',
  active_port_range: 'Ports for active mode',
  external_address: 'Address for active mode',
  connect_timeout_sec: 'Time to connect (seconds)',
  operation_timeout_sec: 'Time without an answer (seconds)',
  keepalive_interval_sec: 'Sign of life every (seconds)',
  transport_retries: 'Reconnects in a row',
  max_sessions: 'Sessions at once',
  fips_override: 'Exempt from FIPS mode',
  'properties.workspace_id': 'Log Analytics workspace',
  'properties.tenant_id': 'Tenant',
  'properties.client_id': 'Application (client) id',
  'properties.authority_host': 'Where tokens are given',
  'properties.logs_endpoint': 'Where logs are asked for',
}

const choices: Record<string, string> = {
  ssh_key: 'SSH key',
  password_and_ssh_key: 'SSH key and password',
  service_principal: 'Service principal',
  none: 'Nothing',
  trust_on_first_use: 'The first one seen (trust on first use)',
  manual: 'Only approved ones (manual)',
  always_trust: 'Any, unchecked (insecure)',
  system_trust: 'Those that this machine trusts',
  pinned_thumbprint: 'Only this one (pinned)',
  insecure: 'Any, unchecked (insecure)',
  explicit: 'On request (explicit)',
  implicit: 'At once (implicit)',
  tls_1_0: 'TLS 1.0',
  tls_1_1: 'TLS 1.1',
  tls_1_2: 'TLS 1.2',
  tls_1_3: 'TLS 1.3',
  fips: 'FIPS',
}

/** What a form calls a field; a function app’s password is its master key. */
export function fieldLabel(name: string, protocol: string): string {
  if (name === 'password' && protocol === 'azure_function') return 'Master key'
  return fields[name] ?? words(name.replace(/^properties\./, ''))
}

const meanings: Record<string, string> = {
  system_trust:
    'Certificates that the trust store of Courier’s machine vouches for, for this host name, in their time.',
  pinned_thumbprint:
    'This very certificate and no other, self-signed or not. A test shows the one that the server has.',
  insecure: 'Any, so that whoever is on the way can read the password and the files.',
  explicit: 'Begins in clear, on port 21, and asks for TLS before anything else.',
  implicit: 'TLS from the first byte on, on port 990.',
  binary: 'Bytes as they are.',
  ascii: 'The server translates line ends: for text on old hosts. Sizes are not compared then, and nothing is resumed.',
}

/** What one of the words means, where the field does not say it itself. */
export const choiceMeaning = (choice: string): string | undefined => meanings[choice]

/** One of the words that a field may be, as people say it. */
export const choiceLabel = (choice: string) => choices[choice] ?? words(choice)
