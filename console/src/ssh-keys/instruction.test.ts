import { expect, it } from 'vitest'
import { installCommands, instruction } from './instruction'

const line = 'ssh-ed25519 AAAA Ann’s'

it('says where the key is to log in, as far as that is known', () => {
  const body = (login: Parameters<typeof instruction>[2]) => instruction(line, 'SHA256:x', login).body
  expect(body({ host: 'sftp.example.com', port: 22, username: 'ops' })).toContain(
    'log in to sftp.example.com as the user ops.',
  )
  expect(body({ host: 'sftp.example.com', port: 2222, username: 'ops' })).toContain(
    'log in to sftp.example.com, port 2222, as the user ops.',
  )
  expect(body({})).toContain('log in to your server.')
  expect(body({})).toContain(line)
})

it('quotes the line for a shell', () => {
  expect(installCommands("ssh-ed25519 AAAA Ann's; rm x")).toContain(`echo 'ssh-ed25519 AAAA Ann'\\''s; rm x' >>`)
})
