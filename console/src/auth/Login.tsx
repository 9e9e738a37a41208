import { Button, Center, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDocumentTitle } from '@mantine/hooks'
import { useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import { api, read } from '../api/client'
import { ProblemError } from '../api/problem'
import { queryClient } from '../api/query'
import { Problem } from '../ui/Problem'
import { meKey } from './session'

/** Where to go after the login: a page of the console, and never another site. */
const inside = (next: string | null) => (next?.startsWith('/') && !next.startsWith('//') ? next : '/')

export function Login() {
  useDocumentTitle('Log in · Courier')
  const navigate = useNavigate()
  const [params] = useSearchParams()
  const [error, setError] = useState<Error>()
  const form = useForm({ initialValues: { username: '', password: '' } })

  const login = form.onSubmit(async (body) => {
    setError(undefined)
    try {
      await read(api.POST('/api/auth/login', { body }))
      queryClient.removeQueries({ queryKey: meKey })
      await navigate(inside(params.get('next')), { replace: true })
    } catch (thrown) {
      setError(thrown instanceof ProblemError ? thrown : new Error('The login failed.'))
    }
  })

  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="xl" radius="md" w="100%" maw={380}>
        <form onSubmit={login}>
          <Stack>
            <Group gap="sm">
              <img src="/favicon.svg" width={34} height={34} alt="" />
              <Title order={1} size="h3">
                Courier
              </Title>
            </Group>
            <Text size="sm" c="dimmed">
              Managed file transfer
            </Text>
            {error && <Problem error={error} />}
            <TextInput
              label="User name"
              autoComplete="username"
              required
              autoFocus
              {...form.getInputProps('username')}
            />
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              required
              {...form.getInputProps('password')}
            />
            <Button type="submit" loading={form.submitting} fullWidth>
              Log in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}
