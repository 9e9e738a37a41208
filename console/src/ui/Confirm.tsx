import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useFocusBack } from './useFocusBack'

type Props = {
  opened: boolean
  onClose: () => void
  title: string
  /** What happens, and what can't be undone about it. */
  children: ReactNode
  /** What is on the button: the verb. */
  action: string
  /** What has to be typed first, for what can't be undone: the name of the thing. */
  typed?: string
  /** What the other button says, where `Cancel` could be misunderstood. */
  dismiss?: string
  busy?: boolean
  /** Red unless it says otherwise. */
  color?: string
  onConfirm: () => void
}

/** Asks once more before what can't be undone. */
export function Confirm(props: Props) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={props.title} centered>
      {props.opened && <Question {...props} />}
    </Modal>
  )
}

function Question({ onClose, children, action, typed, dismiss = 'Cancel', busy, color = 'red', onConfirm }: Props) {
  const [text, setText] = useState('')
  const [asked, setAsked] = useState(action)
  if (asked !== action) {
    // Another thing is asked for by now: what was typed didn't agree to that.
    setAsked(action)
    setText('')
  }
  useFocusBack()
  const ready = !typed || text.trim() === typed
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (ready) onConfirm()
      }}
    >
      <Stack gap="sm">
        <Text size="sm" component="div">
          {children}
        </Text>
        {typed && (
          <TextInput
            label={
              <>
                Type <b>{typed}</b> to go on
              </>
            }
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {dismiss}
          </Button>
          <Button type="submit" color={color} disabled={!ready} loading={busy}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
