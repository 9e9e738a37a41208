import { Alert, Button, Code, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useInterval } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useEffect, useState } from 'react'
import { api, read } from '../api/client'
import { ProblemError } from '../api/problem'
import { Problem } from '../ui/Problem'

type Props = {
  /** Whose password is asked for, where that is known. */
  username?: string
  onDone: () => unknown
}

/** User name and password, and what went wrong with them. */
export function LoginForm({ username, onDone }: Props) {
  const [error, setError] = useState<ProblemError>()
  const [wait, setWait] = useState(0)
  const form = useForm({ initialValues: { username: username ?? '', password: '' } })

  const start = useQuery({
    queryKey: ['auth', 'first-start'],
    queryFn: () => read(api.GET('/api/auth/first-start')),
    enabled: !username,
  })
  const first = start.data?.first_start ? start.data.username : undefined
  const { setFieldValue } = form
  useEffect(() => {
    if (first) setFieldValue('username', (typed) => typed || first)
  }, [first, setFieldValue])

  const login = form.onSubmit(async (body) => {
    setError(undefined)
    try {
      await read(api.POST('/api/auth/login', { body }))
      await onDone()
    } catch (thrown) {
      if (!(thrown instanceof ProblemError)) throw thrown
      setError(thrown)
      setWait(thrown.retryAfterSec ?? 0)
      // Otherwise it may be right.
      if (thrown.status === 401) form.setFieldValue('password', '')
      form.getInputNode('password')?.focus()
    }
  })

  return (
    <form onSubmit={login}>
      <Stack>
        {first && <FirstStart username={first} />}
        {error && <Problem error={error} title={error.status === 401 ? 'The login failed' : undefined} />}
        <TextInput
          label="User name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          readOnly={Boolean(username)}
          data-autofocus={!username || undefined}
          autoFocus={!username}
          {...form.getInputProps('username')}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          data-autofocus={username ? true : undefined}
          {...form.getInputProps('password')}
        />
        <Button type="submit" loading={form.submitting} disabled={wait > 0} fullWidth>
          {wait > 0 ? <Countdown seconds={wait} onOver={() => setWait(0)} /> : 'Log in'}
        </Button>
      </Stack>
    </form>
  )
}

/** Where the first password is, on a server that nobody has logged in to yet. */
function FirstStart({ username }: { username: string }) {
  return (
    <Alert color="blue" icon={<KeyRound aria-hidden />} title="This is the first start">
      <Text size="sm">
        Log in as <b>{username}</b>. The password stands in the file <Code>initial-admin-password</Code> in the server’s
        data folder.
      </Text>
    </Alert>
  )
}

function Countdown({ seconds, onOver }: { seconds: number; onOver: () => void }) {
  const [left, setLeft] = useState(seconds)
  useInterval(() => setLeft((now) => now - 1), 1000, { autoInvoke: true })
  useEffect(() => {
    if (left <= 0) onOver()
  }, [left, onOver])
  return <>Try again in {Math.max(left, 1)} s</>
}
