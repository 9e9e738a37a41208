import { Alert, Button, List, Stack, Text } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import { codes, ProblemError } from '../api/problem'
import { fieldWords } from './fieldWords'

/** What went wrong, where it went wrong: the cause, the fields, and another try where that may help: a role doesn't change by that. */
export function Problem({ error, title, retry }: { error: Error; title?: string; retry?: () => void }) {
  const problem = error instanceof ProblemError ? error : undefined
  // The server says to scripts how they log in; who sits here is asked for the password.
  if (problem?.code === codes.unauthenticated && !title)
    return <Text size="sm">This is shown to who is logged in.</Text>
  // Where the text is only what is wrong with the fields in a row, the list says it better.
  const saysAll = problem?.fields.some(({ field, message }) => error.message.startsWith(`${field}: ${message}`))
  return (
    <Alert
      color="red"
      icon={<TriangleAlert size={18} />}
      title={title ?? problem?.title ?? 'Something went wrong'}
      role="alert"
    >
      <Stack gap="xs" align="flex-start">
        {!saysAll && (
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {error.message}
          </Text>
        )}
        {problem && problem.fields.length > 0 && (
          <List size="sm">
            {problem.fields.map((field) => (
              <List.Item key={field.field + field.message}>
                <b>{fieldWords(field.field)}</b>: {field.message}
              </List.Item>
            ))}
          </List>
        )}
        {retry && problem?.code !== codes.forbidden && (
          <Button size="xs" variant="light" color="red" onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  )
}
