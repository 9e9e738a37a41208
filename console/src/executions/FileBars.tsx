import { Box, Group, Progress, Stack, Text } from '@mantine/core'
import { bytes, counted, rate } from '../ui/format'
import { wholeSeconds } from '../ui/time'
import type { MovingFile } from './moving'

/** Bars that are shown at once. */
const SHOWN = 8

/** The files that move now, each with its bar, its rate and the time left. */
export function FileBars({ files }: { files: MovingFile[] }) {
  if (files.length === 0) return null
  // Those that began last stand at the end; the oldest are the big ones, which one waits for.
  const shown = files.slice(0, SHOWN)
  return (
    <Stack gap="xs" mt="xs">
      {shown.map((file) => (
        <FileBar key={file.current_file} file={file} />
      ))}
      {files.length > SHOWN && <Text size="sm">and {counted(files.length - SHOWN, 'more file')} on the way</Text>}
    </Stack>
  )
}

function FileBar({ file }: { file: MovingFile }) {
  const total = file.total_bytes
  const part = total ? Math.min(100, (file.bytes_transferred / total) * 100) : undefined
  const name = file.current_file.slice(file.current_file.lastIndexOf('/') + 1)
  return (
    <Box>
      <Group justify="space-between" gap={4} wrap="nowrap">
        <Text size="sm" truncate title={file.current_file}>
          {name}
        </Text>
        <Text size="sm" style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
          {part === undefined ? '' : `${Math.floor(part)} %`}
        </Text>
      </Group>
      <Progress.Root size="md">
        <Progress.Section
          value={part ?? 100}
          striped={part === undefined}
          animated={part === undefined}
          aria-label={name}
          withAria={part !== undefined}
        />
      </Progress.Root>
      <Text size="xs" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
        {bytes(file.bytes_transferred)}
        {total != null && ` of ${bytes(total)}`}
        {file.transfer_rate_bytes_per_sec > 0 && ` · ${rate(file.transfer_rate_bytes_per_sec)}`}
        {file.eta_sec != null && ` · ${wholeSeconds(Math.max(1, file.eta_sec) * 1000)} left`}
      </Text>
    </Box>
  )
}
