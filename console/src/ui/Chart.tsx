import { Box, useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import type uPlot from 'uplot'

type Props = {
  /** What the picture shows, for those who don't see it. What it says must stand beside it in words, too. */
  label: string
  /** One bar each. */
  values: number[]
  /** What stands below each bar; only as many are shown as there is room for. */
  names: string[]
  /** A value in words, at the left. */
  format: (value: number) => string
  /** True where there are no halves of it. */
  whole?: boolean
  /** A colour of the theme. */
  color?: string
  height?: number
  /** Called with the bar that is pointed at. */
  onPoint?: (index: number | undefined) => void
}

/** Bars over time. The library that draws them is loaded when the first chart is shown. */
export function Chart({ label, values, names, format, whole, color = 'indigo', height = 140, onPoint }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light')
  const chart = useRef<uPlot>(undefined)
  const latest = useRef({ values, names, format, onPoint })
  latest.current = { values, names, format, onPoint }

  useEffect(() => {
    const element = box.current
    if (!element) return
    let over = false
    const sizes = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height }))
    void Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]).then(([{ default: Plot }]) => {
      if (over) return
      const options = drawn(Plot, element, { latest, whole, color, scheme, height })
      chart.current = new Plot(options, columns(latest.current.values), element)
      sizes.observe(element)
    })
    return () => {
      over = true
      sizes.disconnect()
      chart.current?.destroy()
      chart.current = undefined
    }
  }, [scheme, color, height, whole])

  useEffect(() => chart.current?.setData(columns(values)), [values])

  return <Box ref={box} h={height} role="img" aria-label={label} style={{ minWidth: 0, overflow: 'hidden' }} />
}

type Latest = Pick<Props, 'values' | 'names' | 'format' | 'onPoint'>
type Look = {
  latest: { current: Latest }
  whole: boolean | undefined
  color: string
  scheme: 'light' | 'dark'
  height: number
}

// Bars stand at whole numbers and not at times: days are of different lengths where the clocks change.
const columns = (values: number[]): uPlot.AlignedData => [values.map((_, index) => index), values]

function drawn(Plot: typeof uPlot, element: Element, look: Look): uPlot.Options {
  const { latest } = look
  const styles = getComputedStyle(element)
  const token = (name: string) => styles.getPropertyValue(`--mantine-color-${name}`)
  const axis = {
    stroke: token('dimmed'),
    font: `12px ${styles.fontFamily}`,
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height: look.height,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: (_, least, most) => [least - 0.5, most + 0.5] },
      y: { range: (_, __, most) => [0, Math.max(most * 1.05, look.whole ? 1 : 10)] },
    },
    axes: [
      {
        ...axis,
        size: 30,
        gap: 9,
        grid: { show: false },
        // A letter is about seven pixels wide; names need a gap between them.
        space: 7 * Math.max(...latest.current.names.map((name) => name.length), 3) + 16,
        incrs: [1, 2, 3, 4, 6, 12],
        values: (_, places) => places.map((place) => latest.current.names[place] ?? ''),
      },
      {
        ...axis,
        size: 62,
        space: 30,
        grid: { stroke: token(look.scheme === 'dark' ? 'dark-4' : 'gray-2'), width: 1 },
        incrs: look.whole ? [1, 2, 5, 10, 20, 50, 100, 200, 500, ...thousands()] : undefined,
        values: (_, marks) => marks.map((mark) => latest.current.format(mark)),
      },
    ],
    series: [
      {},
      {
        fill: token(look.scheme === 'dark' ? `${look.color}-5` : `${look.color}-6`),
        paths: Plot.paths.bars?.({ size: [0.7, 40], radius: 0.15 }),
        points: { show: false },
      },
    ],
    hooks: { setCursor: [({ cursor }) => latest.current.onPoint?.(cursor.idx ?? undefined)] },
  }
}

/** 1,000, 2,000, 5,000, 10,000 … */
const thousands = () =>
  Array.from({ length: 18 }, (_, n) => [1, 2, 5][n % 3] as number).map(
    (digit, n) => digit * 10 ** (3 + Math.floor(n / 3)),
  )
