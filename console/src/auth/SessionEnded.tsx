import { Anchor, Modal, Text } from '@mantine/core'
import { useLocation } from 'react-router'
import { queryClient } from '../api/query'
import { LoginForm } from './LoginForm'

/** Asks for the password again over the page, which stays as it is: nothing that was typed there is lost. */
export function SessionEnded({ opened, username }: { opened: boolean; username: string }) {
  const { pathname, search } = useLocation()
  return (
    <Modal
      opened={opened}
      onClose={() => {}}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
      title="Your session has ended"
      centered
    >
      <Text size="sm" mb="md">
        Log in again to go on where you are. Nothing that you typed is lost.
      </Text>
      <LoginForm username={username} onDone={() => queryClient.invalidateQueries()} />
      <Text size="sm" mt="md">
        {/* By the browser and not by the router: nobody else is to see what the last one was shown. */}
        <Anchor href={`/login?next=${encodeURIComponent(pathname + search)}`}>Log in as somebody else</Anchor>
      </Text>
    </Modal>
  )
}
