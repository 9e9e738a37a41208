import { Radio, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { roles } from './roles'
import type { Role } from './session'

type Props = {
  /** The highest that can be chosen. */
  most?: Role
  value: Role
  onChange: (role: Role) => void
  error?: ReactNode
}

/** Chooses a role by what it may do. */
export function RoleInput({ most = 'admin', value, onChange, error }: Props) {
  const upTo = roles.findIndex(({ role }) => role === most) + 1
  return (
    <Radio.Group
      label="Role"
      value={value}
      error={error}
      onChange={(next) => {
        const chosen = roles.find(({ role }) => role === next)
        if (chosen) onChange(chosen.role)
      }}
    >
      <Stack gap={6} pt={6}>
        {roles.slice(0, upTo).map(({ role, label, about }) => (
          <Radio key={role} value={role} label={label} description={about} />
        ))}
      </Stack>
    </Radio.Group>
  )
}
