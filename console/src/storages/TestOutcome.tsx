import { Alert, List, Text } from '@mantine/core'
import { CircleCheck, TriangleAlert } from 'lucide-react'
import type { schemas } from '../api/types'
import { duration } from '../ui/time'

const checks: Record<string, string> = {
  write: 'Files can be written, in one piece and in parts.',
  no_overwrite: 'Nothing that is there is overwritten.',
  read: 'What was written can be read.',
  remove: 'The test could remove what it wrote.',
}

/** What a test of a storage has shown: what worked, or why not and what helps. */
export function TestOutcome({ test }: { test: schemas['StorageTest'] }) {
  return (
    <Alert
      color={test.success ? 'green' : 'red'}
      icon={test.success ? <CircleCheck size={18} aria-hidden /> : <TriangleAlert size={18} aria-hidden />}
      title={
        test.success ? `It works (${duration(test.duration_ms)})` : `It doesn’t work (code ${test.error_code ?? '–'})`
      }
      role={test.success ? 'status' : 'alert'}
    >
      {test.error_message && (
        <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {test.error_message}
        </Text>
      )}
      {test.checked.length > 0 && (
        <List size="sm" icon={<CircleCheck size={14} aria-hidden />}>
          {test.checked.map((check) => (
            <List.Item key={check}>{checks[check] ?? check}</List.Item>
          ))}
        </List>
      )}
      {test.warnings.map((warning) => (
        <Text size="sm" key={warning} fw={500}>
          {warning}
        </Text>
      ))}
    </Alert>
  )
}
