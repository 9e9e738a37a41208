/** What helps, by the kind of an error; the message of the server says what happened. */
const hints: Record<string, string> = {
  not_found: 'Look at the path: is the file there, is it spelt like this, and is the connection’s base path right?',
  denied: 'The partner’s server doesn’t allow it for this user. Ask its operator for the right, or use another folder.',
  already_exists: 'The name is taken. The step’s “on existing” says what happens then.',
  auth: 'The login was refused. Test the connection; has the password changed, or was the key removed at the partner?',
  host_key: 'The server presented another host key. Look at the connection: both fingerprints are there to compare.',
  host_key_not_approved: 'Nobody has approved this server’s host key yet. Look at the connection.',
  certificate: 'The server’s certificate was not accepted. The test of the connection shows it, and why.',
  negotiation: 'The two sides have no common algorithm. The test of the connection shows what the server has.',
  not_fips: 'FIPS mode doesn’t allow what this connection uses.',
  unreachable: 'Is the host right, does the server run, and does a firewall let Courier through?',
  busy: 'The server takes no more sessions now. Fewer sessions at once (“max sessions”) may help.',
  timeout: 'There was no answer in time. Is the line slow, or the server overloaded?',
  lost: 'The connection broke. What has arrived is kept where the server can go on from there.',
  full: 'There is no space left at the target, or a quota is used up.',
  integrity: 'The file changed while it moved, or what arrived is not what was sent. Is it still being written?',
  local: 'A folder of this machine can’t be read or written. See its rights, its space and the local roots.',
  function_failed: 'The function ran and failed. What it wrote is below, in its traces.',
  function_outcome_unknown: 'It may have run. Look at its invocations in Azure before you run the job again.',
}

/** What helps against an error of this kind, where the kind alone says it. */
export const hintFor = (kind: string): string | undefined => hints[kind]
