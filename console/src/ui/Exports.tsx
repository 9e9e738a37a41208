import { Button, Group } from '@mantine/core'
import { Download } from 'lucide-react'

type Props = {
  /** The route that exports. */
  path: string
  /** What the list is narrowed by. */
  query: Record<string, string | undefined>
}

/** What the filters leave, as a file. The server sends all of it, however long it is. */
export function Exports({ path, query }: Props) {
  const address = (format: string) => {
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
    return `${path}?${new URLSearchParams([...given, ['format', format]])}`
  }
  return (
    <Group gap="xs">
      {[
        { format: 'csv', label: 'CSV' },
        { format: 'jsonl', label: 'JSON lines' },
      ].map(({ format, label }) => (
        <Button
          key={format}
          component="a"
          href={address(format)}
          download
          variant="default"
          size="xs"
          leftSection={<Download size={14} aria-hidden />}
          aria-label={`Export as ${label}`}
        >
          {label}
        </Button>
      ))}
    </Group>
  )
}
