"""Traces, metrics and log lines of one service. Several services may live in one process, so nothing here is global.

The exporter is chosen by the standard `OTEL_TRACES_EXPORTER` (otlp, zipkin, console, none; default none) and configured
by the other `OTEL_*` variables. FastStream's own middleware overwrites `traceparent` and flattens hops into siblings
(docs/explanation/traps.md), therefore the few lines below.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

EXPORTERS: dict[str, Callable[[], SpanExporter]] = {
    "otlp": OTLPSpanExporter,
    "zipkin": ZipkinExporter,
    "console": ConsoleSpanExporter,
}

_propagator = TraceContextTextMapPropagator()
_cause: ContextVar[str | None] = ContextVar("cause", default=None)


class Telemetry:
    """One service's tracer and metrics."""

    def __init__(self, service: str, exporter: SpanExporter | None = None) -> None:
        self.service = service
        self._provider = TracerProvider(resource=Resource.create({"service.name": f"inloop-{service}"}))
        exporter = exporter or _exporter_from_environment()
        self.tracing = exporter is not None
        if exporter:
            self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
        self._tracer = self._provider.get_tracer("inloop") if exporter else trace.NoOpTracer()
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "inloop_http_request_seconds", "HTTP requests.", ["method", "route", "status"], registry=self.registry
        )
        self.messages = Counter(
            "inloop_messages_total", "Messages applied, by topic.", ["topic"], registry=self.registry
        )
        self.unpublished = Gauge(
            "inloop_outbox_unpublished", "Rows that the relay has not sent yet.", registry=self.registry
        )
        self.parked = Gauge(
            "inloop_parked_portfolios", "Portfolios held up by a parked revision.", registry=self.registry
        )
        self.batch_seconds = Histogram(
            "inloop_batch_seconds", "One transaction over a batch of messages.", ["topic"], registry=self.registry
        )

    def gauge(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> Gauge:
        """A gauge of this service; the name gets the product's and the service's prefix."""
        return Gauge(f"inloop_{self.service}_{name}", documentation, labels, registry=self.registry)

    def counter(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> Counter:
        """A counter of this service; the name gets the product's and the service's prefix."""
        return Counter(f"inloop_{self.service}_{name}", documentation, labels, registry=self.registry)

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        *,
        parent: str | None = None,
        links: Sequence[str | None] = (),
        cause: str | None = None,
    ) -> Iterator[Span]:
        """A span around the block. `parent` and `links` are traceparents; without a parent the current span is it."""
        context = _propagator.extract({"traceparent": parent}) if parent else None
        linked = [Link(span_context(one)) for one in links if one]
        token = _cause.set(cause or _cause.get())
        try:
            with self._tracer.start_as_current_span(name, context, kind, links=linked) as span:
                if cause:
                    span.set_attribute("inloop.cause_id", cause)
                yield span
        finally:
            _cause.reset(token)

    def close(self) -> None:
        """Send what is left to send."""
        self._provider.shutdown()


def span_context(traceparent: str) -> trace.SpanContext:
    """The span a traceparent text names; invalid if the text is."""
    return trace.get_current_span(_propagator.extract({"traceparent": traceparent})).get_span_context()


def current_traceparent() -> str | None:
    """The present span as a traceparent text, to be kept with what it causes."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def _exporter_from_environment() -> SpanExporter | None:
    name = os.environ.get("OTEL_TRACES_EXPORTER", "none")
    if name == "none":
        return None
    if name not in EXPORTERS:
        raise ValueError(f"OTEL_TRACES_EXPORTER: {name!r}; expected none or one of {', '.join(EXPORTERS)}")
    return EXPORTERS[name]()


class JsonLines(logging.Formatter):
    """One JSON object a line, with its trace and cause; so text from outside cannot forge lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Format as one line."""
        span = trace.get_current_span().get_span_context()
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "trace_id": f"{span.trace_id:032x}" if span.is_valid else None,
            "cause_id": _cause.get(),
            "error": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False)


def configure_logging(style: str) -> None:
    """Log lines go to stderr, as JSON or as text."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
