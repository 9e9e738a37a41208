import { ActionIcon, Button, Code, CopyButton, Group, Tooltip } from '@mantine/core'
import { Check, Copy as CopyIcon } from 'lucide-react'

/** Puts text into the clipboard. */
export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon variant="subtle" color={copied ? 'green' : 'gray'} onClick={copy} aria-label={label}>
            {copied ? <Check size={16} /> : <CopyIcon size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

/** The same as a button with words on it. */
export function CopyWide({ text, label, autoFocus }: { text: string; label: string; autoFocus?: boolean }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          size="xs"
          leftSection={copied ? <Check size={14} /> : <CopyIcon size={14} />}
          onClick={copy}
          autoFocus={autoFocus}
        >
          {copied ? 'Copied' : label}
        </Button>
      )}
    </CopyButton>
  )
}

/** What is compared or typed elsewhere: a fingerprint, a path, an id. */
export function Exact({ text, copy = true }: { text: string; copy?: boolean }) {
  return (
    <Group gap={4} wrap="nowrap" style={{ minWidth: 0 }}>
      <Code style={{ overflowWrap: 'anywhere' }}>{text}</Code>
      {copy && <Copy text={text} />}
    </Group>
  )
}
