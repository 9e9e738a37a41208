import type { schemas } from '../api/types'

type Cause = { title: string; helps: (string | { by: schemas['AuthMethod'][]; help: string })[] }

const causes: Record<number, Cause> = {
  3001: {
    title: 'The server does not accept the login',
    helps: [
      'Is the user name right, and is the account open?',
      {
        by: ['ssh_key', 'password_and_ssh_key'],
        help: 'Has the partner added the key’s public line to .ssh/authorized_keys of this very user?',
      },
      {
        by: ['password', 'password_and_ssh_key'],
        help: 'Is the password the right one, and does the server take passwords at all?',
      },
    ],
  },
  3002: {
    title: 'The server shows another host key than before',
    helps: [
      'Ask the partner by another way, such as the telephone, whether the key was changed, and compare the fingerprint.',
      'If it was, an admin approves the new key on this connection’s page. If it was not, somebody may be in between.',
    ],
  },
  3003: {
    title: 'The server can’t be reached',
    helps: [
      'Are host and port right?',
      'Is the server running, and does the way there let this machine through: firewall, allow list of the partner?',
    ],
  },
  3013: {
    title: 'Nobody has approved the host key yet',
    helps: [
      'Compare the fingerprint below with the server’s operator, by another way than this connection, and then approve it.',
    ],
  },
  3014: {
    title: 'The server’s certificate is not accepted',
    helps: [
      'Self-signed, or signed by a company’s own authority: compare the thumbprint with the server’s operator and accept only this certificate.',
      'Out of date: the operator has to renew it.',
    ],
  },
}

/** What an error code of a test means, and what helps with this way to log in; the message says the rest. */
export function causeOf(code: number | null | undefined, by: schemas['AuthMethod'] | undefined) {
  const { title, helps }: Cause = (code && causes[code]) || { title: 'It does not work', helps: [] }
  return {
    title,
    helps: helps.flatMap((help) => {
      if (typeof help === 'string') return [help]
      return !by || help.by.includes(by) ? [help.help] : []
    }),
  }
}

const TRUST = ['host_key_policy', 'tls_cert_policy']

/** What the codes that refuse a choice as a whole say about a field of it, so that it shows where it was made. */
export function fieldOf(code: number, fields: string[]): { field: string; message: string } | undefined {
  const policy = TRUST.find((name) => fields.includes(name))
  const messages: Record<number, string> = {
    3004: 'Only an admin may accept any host key. Ask one, or take trust on first use.',
    3005: 'FIPS mode does not allow to accept any host key.',
    3006: 'Only an admin may accept any certificate. Ask one, or pin the certificate’s thumbprint.',
    3007: 'FIPS mode does not allow to accept any certificate.',
    3008: 'This is a production server, where nobody may go unchecked, unless an admin turns security.insecure_trust_allow_production on.',
    3012: 'Only an admin may exempt a connection from FIPS mode.',
  }
  const message = messages[code]
  const field = code === 3012 ? 'fips_override' : policy
  return message && field ? { field, message } : undefined
}
