import { Alert, Button, Stack, Text } from '@mantine/core'
import { KeyRound } from 'lucide-react'
import { Link } from 'react-router'
import { useMe } from './session'

/** Says loudly that another password is due, while the one that the first start made up is in use. */
export function InitialPassword({ here }: { here?: boolean }) {
  if (!useMe().initial_password) return null
  return (
    <Alert color="orange" icon={<KeyRound aria-hidden />} title="Choose a password of your own">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          You use the password that the first start made up. It stands in a file on the server, which goes away when you
          change it.
        </Text>
        {!here && (
          <Button component={Link} to="/account" size="xs">
            Change the password
          </Button>
        )}
      </Stack>
    </Alert>
  )
}
