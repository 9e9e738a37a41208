import { Center, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { useNavigate, useSearchParams } from 'react-router'
import { meKey, queryClient } from '../api/query'
import { inside } from './inside'
import { LoginForm } from './LoginForm'

/** The page that one logs in on. */
export function Login() {
  useDocumentTitle('Log in · Courier')
  const navigate = useNavigate()
  const [params] = useSearchParams()

  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="xl" radius="md" w="100%" maw={400}>
        <Stack>
          <div>
            <Group gap="sm">
              <img src="/favicon.svg" width={34} height={34} alt="" />
              <Title order={1} size="h3">
                Courier
              </Title>
            </Group>
            <Text size="sm" c="dimmed" mt={4}>
              Managed file transfer
            </Text>
          </div>
          <LoginForm
            onDone={() => {
              queryClient.removeQueries({ queryKey: meKey })
              return navigate(inside(params.get('next')), { replace: true })
            }}
          />
        </Stack>
      </Paper>
    </Center>
  )
}
