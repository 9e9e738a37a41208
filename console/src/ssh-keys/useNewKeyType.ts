import { useState } from 'react'
import { useSettings } from '../api/lists'
import type { schemas } from '../api/types'

/** The type of a key to generate: the one to take first that the server allows, until another one is chosen. */
export function useNewKeyType() {
  const settings = useSettings()
  const [chosen, choose] = useState<schemas['KeyType']>()
  const fips = settings.data?.find(({ key }) => key === 'security.fips_mode_enabled')?.value === true
  return [chosen ?? (fips ? 'ecdsa_256' : 'ed25519'), choose] as const
}
