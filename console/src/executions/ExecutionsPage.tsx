import { Page } from '../ui/Page'

export default function ExecutionsPage() {
  return <Page title="Executions">{null}</Page>
}
