import type { schemas } from '../api/types'
import { words } from '../ui/format'

/** The types of keys that can be generated, the one to take first. */
export const keyTypes: { value: schemas['KeyType']; label: string; help: string }[] = [
  {
    value: 'ed25519',
    label: 'Ed25519',
    help: 'Short, fast and strong. Servers since 2014 know it. Not allowed in FIPS mode.',
  },
  { value: 'ecdsa_256', label: 'ECDSA P-256', help: 'Short and allowed in FIPS mode. Servers since 2011 know it.' },
  { value: 'ecdsa_384', label: 'ECDSA P-384', help: 'As P-256, stronger and slower.' },
  { value: 'ecdsa_521', label: 'ECDSA P-521', help: 'As P-256, the strongest of them.' },
  { value: 'rsa_3072', label: 'RSA 3072', help: 'For servers that know nothing newer. Allowed in FIPS mode.' },
  { value: 'rsa_4096', label: 'RSA 4096', help: 'The same, for partners that ask for 4096 bits.' },
  { value: 'rsa_2048', label: 'RSA 2048', help: 'Only where a server takes no longer ones.' },
]

/** A key's type as people write it: `RSA 1024` of an imported one, too. */
export const keyTypeName = (type: string) =>
  keyTypes.find(({ value }) => value === type)?.label ?? words(type).replace(/^Rsa/, 'RSA')

/** Is it shorter than what is safe today? */
export function isWeak(type: string): boolean {
  const bits = /^rsa_(\d+)$/.exec(type)?.[1]
  return bits !== undefined && Number(bits) < 2048
}
