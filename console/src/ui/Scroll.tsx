import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

/** A table that scrolls sideways by itself where the screen is narrow, and never the page. */
export function Scroll({ minWidth = 600, label, children }: { minWidth?: number; label: string; children: ReactNode }) {
  return (
    <Table.ScrollContainer minWidth={minWidth} type="native" tabIndex={0} role="region" aria-label={label}>
      <Table
        verticalSpacing={6}
        horizontalSpacing="md"
        highlightOnHover
        // Softer than by default: links in the row have to stay readable.
        highlightOnHoverColor="light-dark(var(--mantine-color-gray-0), var(--mantine-color-dark-6))"
      >
        {children}
      </Table>
    </Table.ScrollContainer>
  )
}
