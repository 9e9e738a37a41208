/** Where a key is to log in. */
export type Login = {
  host?: string | null | undefined
  port?: number | null | undefined
  username?: string | null | undefined
}

/** A text as one word of a shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** The commands that install a key for the user who gives them, on a server with OpenSSH. */
export const installCommands = (line: string) =>
  [
    'mkdir -p ~/.ssh && chmod 700 ~/.ssh',
    `echo ${quoted(line)} >> ~/.ssh/authorized_keys`,
    'chmod 600 ~/.ssh/authorized_keys',
  ].join('\n')

/** The words on where the key is to log in: ` to sftp.example.com, port 2222, as the user ops`. */
function where({ host, port, username }: Login): string {
  const server = host ? ` to ${host}${port && port !== 22 ? `, port ${port},` : ''}` : ' to your server'
  return username ? `${server} as the user ${username}` : server
}

/** What to write to the one who looks after the server, so that the key is accepted there. */
export function instruction(line: string, fingerprint: string, login: Login): { subject: string; body: string } {
  return {
    subject: login.host ? `SSH key for ${login.host}` : 'SSH key for your server',
    body: `Hello,

please let this SSH key log in${where(login)}. Keys that are there already should stay.

${line}

Its fingerprint, to compare: ${fingerprint}

On a server with OpenSSH the line goes into the file ~/.ssh/authorized_keys of that user, on a line of its own. As that user:

${installCommands(line)}

This is the public half of the key and no secret. Please tell us when it is there; then we test it.
`,
  }
}
