package datapipe.iceberg;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A column's comment, which says what kind of values it holds.
 *
 * <pre>
 * days since 1970-01-01 [datapipe date]     the values of the column of the same name
 * [datapipe float of amount]                later values of the column amount
 * </pre>
 *
 * <p>clients/column_kinds.py reads them.
 */
final class KindComment {
  private static final Pattern MARK = Pattern.compile("\\[datapipe (\\S+)(?: of (.+))?\\]$");

  /** The kind of the column's values; null: nothing says it. */
  final String kind;

  /** The column of PostgreSQL whose later values it holds; null: the one of the same name. */
  final String source;

  private KindComment(String kind, String source) {
    this.kind = kind;
    this.source = source;
  }

  static KindComment parse(String comment) {
    Matcher mark = MARK.matcher(comment == null ? "" : comment);
    return mark.find() ? new KindComment(mark.group(1), mark.group(2)) : new KindComment(null, null);
  }

  /** The comment of a column, after what it may say already. */
  static String of(String comment, String kind, String source) {
    String text = comment == null || comment.isEmpty() ? ColumnKind.unit(kind) : comment;
    String mark = "[datapipe " + kind + (source == null ? "" : " of " + source) + "]";
    return text == null ? mark : text + " " + mark;
  }
}
