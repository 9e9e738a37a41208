import { Alert } from '@mantine/core'
import { ShieldOff } from 'lucide-react'
import type { schemas } from '../api/types'
import { insecureTrust } from './trust'

/** On every page of a connection whose server nobody checks, always (specification 6.7). */
export function InsecureBanner({ connection }: { connection: schemas['Connection'] }) {
  const what = insecureTrust(connection)
  if (!what) return null
  return (
    <Alert color="red" variant="filled" icon={<ShieldOff size={20} aria-hidden />} role="alert">
      {what === 'host key'
        ? 'Host key verification disabled — this connection is vulnerable to man-in-the-middle attacks.'
        : 'Certificate verification disabled — this connection is vulnerable to man-in-the-middle attacks.'}
    </Alert>
  )
}
