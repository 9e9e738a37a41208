import { Box, UnstyledButton } from '@mantine/core'
import { Fragment, useState } from 'react'
import { counted } from '../../ui/format'
import classes from './DiffTable.module.css'
import { folded, type Row, type Side } from './diff'

type Props = { rows: Row[]; unified: boolean; label: string }

/** A comparison as a table: what was on the left, what is on the right, or both in one column. */
export function DiffTable({ rows, unified, label }: Props) {
  const [shown, setShown] = useState<ReadonlySet<number>>(new Set())
  return (
    <Box className={classes.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={classes.table} data-unified={unified || undefined}>
        <thead className={classes.head}>
          <tr>
            {!unified && <th scope="col">Line</th>}
            {!unified && <th scope="col">Before</th>}
            <th scope="col">Line</th>
            <th scope="col">{unified ? 'Text' : 'After'}</th>
          </tr>
        </thead>
        <tbody>
          {folded(rows).map((item) => {
            const first = item.kind === 'gap' ? item.rows[0] : item
            const key = (first?.left?.number ?? 0) * 100_000 + (first?.right?.number ?? 0)
            if (item.kind !== 'gap') return <Line key={key} row={item} unified={unified} />
            if (shown.has(key)) {
              return (
                <Fragment key={key}>
                  {item.rows.map((row) => (
                    <Line key={row.left?.number} row={row} unified={unified} />
                  ))}
                </Fragment>
              )
            }
            return (
              <tr key={key}>
                <td colSpan={unified ? 2 : 4}>
                  <UnstyledButton className={classes.gap} onClick={() => setShown(new Set([...shown, key]))}>
                    Show {counted(item.rows.length, 'line')} that did not change
                  </UnstyledButton>
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </Box>
  )
}

function Line({ row, unified }: { row: Row; unified: boolean }) {
  if (!unified) {
    return (
      <tr>
        <Cells side={row.left} change={row.kind === 'same' ? undefined : 'removed'} />
        <Cells side={row.right} change={row.kind === 'same' ? undefined : 'added'} />
      </tr>
    )
  }
  if (row.kind === 'same') {
    return (
      <tr>
        <Cells side={row.right} change={undefined} />
      </tr>
    )
  }
  return (
    <>
      {row.left && (
        <tr>
          <Cells side={row.left} change="removed" />
        </tr>
      )}
      {row.right && (
        <tr>
          <Cells side={row.right} change="added" />
        </tr>
      )}
    </>
  )
}

type CellsProps = { side: Side | undefined; change: 'removed' | 'added' | undefined }

const signs = { removed: '−', added: '+' }

/** A line's number and its text; the sign says what the colour says. */
function Cells({ side, change }: CellsProps) {
  const mark = side && change
  return (
    <>
      <td className={classes.number} data-change={mark}>
        {side?.number}
      </td>
      <td className={classes.text} data-change={mark} data-empty={!side || undefined}>
        {side && <span className={classes.sign}>{mark ? signs[mark] : ' '}</span>}
        {side && <Parts side={side} />}
      </td>
    </>
  )
}

function Parts({ side }: { side: Side }) {
  let end = 0
  const parts = side.parts.map((part) => {
    const start = end
    end += part.text.length
    return { ...part, start }
  })
  return parts.map(({ start, text, changed }) =>
    changed && parts.length > 1 ? <mark key={start}>{text}</mark> : <Fragment key={start}>{text}</Fragment>,
  )
}
