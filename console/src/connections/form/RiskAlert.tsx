import { Alert } from '@mantine/core'
import { ShieldAlert } from 'lucide-react'
import type { Risk } from './risks'

/** Said loudly, below the field that makes it so. */
export function RiskAlert({ risk }: { risk: Risk }) {
  return (
    <Alert
      color={risk.grave ? 'red' : 'orange'}
      variant={risk.grave ? 'filled' : 'light'}
      icon={<ShieldAlert size={18} aria-hidden />}
      title={risk.title}
      role="status"
      mt="xs"
    >
      {risk.text}
    </Alert>
  )
}
