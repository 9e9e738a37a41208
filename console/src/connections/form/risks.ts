import type { Protocol } from '../protocols'
import { type Draft, effective } from './draft'

/** A choice in the form that somebody should not make lightly, said where it is made. */
export type Risk = { field: string; grave: boolean; title: string; text: string }

/** What is insecure or weak about a draft. */
export function risks(draft: Draft, protocol: Protocol): Risk[] {
  const found: Risk[] = []
  const of = (name: string) => effective(draft, protocol, name)
  if (protocol.name === 'ftp') {
    found.push({
      field: 'protocol',
      grave: false,
      title: 'FTP is not encrypted',
      text: 'Whoever is on the way can read the password and all files, and change them. Take FTPS or SFTP where the server has it.',
    })
  }
  if (of('host_key_policy') === 'always_trust') {
    found.push({
      field: 'host_key_policy',
      grave: true,
      title: 'Nobody checks who the server is',
      text:
        'Whoever is on the way can pose as the server and read the password and all files. Each use is written to the audit ' +
        'log. Trust on first use takes no more work.',
    })
  }
  if (of('tls_cert_policy') === 'insecure') {
    found.push({
      field: 'tls_cert_policy',
      grave: true,
      title: 'Nobody checks who the server is',
      text:
        'Whoever is on the way can pose as the server and read the password and all files. Each use is written to the audit ' +
        'log. For a self-signed certificate, pin its thumbprint instead: a test shows it.',
    })
  }
  const floor = of('tls_version_floor')
  if (floor === 'tls_1_0' || floor === 'tls_1_1') {
    found.push({
      field: 'tls_version_floor',
      grave: false,
      title: 'TLS before 1.2 is out of use',
      text: 'It can be broken (RFC 8996). Only for a server that knows nothing newer, until it does.',
    })
  }
  const weak = weakAlgorithms(draft, protocol)
  if (weak.length > 0) {
    found.push({
      field: 'ssh_algorithms',
      grave: false,
      title: 'Weak algorithms are offered',
      text: `Only for a server that knows nothing newer: ${weak.join(', ')}.`,
    })
  }
  if (of('fips_override') === true) {
    found.push({
      field: 'fips_override',
      grave: false,
      title: 'FIPS mode does not hold for this connection',
      text: 'It may use algorithms that the mode forbids. Each session is written to the audit log.',
    })
  }
  const quirks = of('quirks')
  if (Array.isArray(quirks) && quirks.includes('clear_data')) {
    found.push({
      field: 'quirks',
      grave: false,
      title: 'Files go unencrypted',
      text: 'With clear_data only the login is encrypted; whoever is on the way can read the files.',
    })
  }
  return found
}

const LISTS = ['key_exchange', 'encryption', 'mac', 'host_key'] as const

function weakAlgorithms(draft: Draft, protocol: Protocol): string[] {
  const chosen = draft.values.ssh_algorithms
  const known = protocol.algorithms
  if (!known || typeof chosen !== 'object' || chosen === null) return []
  const legacy = Reflect.get(chosen, 'preset') === 'legacy'
  return LISTS.flatMap((list) => {
    const names: unknown = Reflect.get(chosen, list)
    const weak = known[list].filter((algorithm) => algorithm.weak)
    const taken = Array.isArray(names) ? weak.filter(({ name }) => names.includes(name)) : legacy ? weak : []
    return taken.map(({ name }) => name)
  })
}
