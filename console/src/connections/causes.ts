type Cause = { title: string; helps: string[] }

const causes: Record<number, Cause> = {
  3001: {
    title: 'The server does not accept the login',
    helps: [
      'With a key: has the partner added its public line to .ssh/authorized_keys of this very user?',
      'With a password: is it the right one, and does the server take passwords at all?',
      'Is the user name right, and is the account open?',
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

/** What an error code of a test means, and what helps; the message says the rest. */
export function causeOf(code: number | null | undefined): Cause {
  return (code && causes[code]) || { title: 'It does not work', helps: [] }
}
